// Time limits keep a program from waiting for ever.
import { Empty, Full, isMainProcess, Process, Queue, task } from 'multiproc';

const pracownik = task(import.meta, async function pracownik(kolejka: Queue<string>) {
  try {
    await kolejka.put('Proces pozdrawia serdecznie!', { timeout: 1000 });
  } catch (error) {
    if (!(error instanceof Full)) throw error;
    console.log('Kolejka jest pełna');
  }
});

if (isMainProcess) {
  const kolejka = new Queue<string>({ maxsize: 1 });
  const proces = new Process({ target: pracownik, args: [kolejka] });
  proces.start();
  try {
    console.log(await kolejka.get({ timeout: 1000 })); // Odbieramy komunikat od procesu
  } catch (error) {
    if (!(error instanceof Empty)) throw error;
    console.log('Kolejka jest pusta');
  }
  await proces.join();
}
