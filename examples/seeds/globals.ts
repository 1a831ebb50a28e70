// Each process has its own variables; what is shared is said to be.
import { isMainProcess, Process, task, Value } from 'multiproc';

let counter = 0;

const increment = task(import.meta, function increment(shared: Value<number>) {
  counter += 1;
  shared.add(1);
  console.log(`In the process: counter ${counter}, shared ${shared.value}`);
});

if (isMainProcess) {
  const shared = new Value('i', 0);
  for (let i = 0; i < 3; i += 1) {
    const process = new Process({ target: increment, args: [shared] });
    process.start();
    await process.join();
  }
  console.log(`In the main process: counter ${counter}, shared ${shared.value}`);
}
