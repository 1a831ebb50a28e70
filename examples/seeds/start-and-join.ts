// A process is started, and waited for.
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Process, task } from 'multiproc';

const pracownik = task(import.meta, async function pracownik() {
  console.log('Rozpoczynam pracę');
  await sleep(2000);
  console.log('Kończę pracę');
});

if (isMainProcess) {
  const proces = new Process({ target: pracownik });
  proces.start();
  await proces.join(); // Oczekuje na zakończenie procesu
  proces.terminate(); // Zatrzymuje proces; po jego zakończeniu nie robi nic
}
