// A child sends a message through a queue.
import { isMainProcess, Process, Queue, task } from 'multiproc';

const pracownik = task(import.meta, async function pracownik(kolejka: Queue<string>) {
  await kolejka.put('Proces pozdrawia serdecznie!');
});

if (isMainProcess) {
  const kolejka = new Queue<string>();
  const proces = new Process({ target: pracownik, args: [kolejka] });
  proces.start();
  console.log(await kolejka.get()); // Odbieramy komunikat od procesu
  await proces.join();
}
