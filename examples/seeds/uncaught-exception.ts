// An error that nobody catches: the main process is told.
import { isMainProcess, Process, task } from 'multiproc';

const processFunction = task(import.meta, function processFunction() {
  throw new RangeError('An error occurred!');
});

if (isMainProcess) {
  const process = new Process({ target: processFunction });
  process.start();
  await process.join();
  console.log(`Exit code ${process.exitCode}, because of ${process.error?.name}: ${process.error?.message}`);
}
