// Six tasks, two permits: never more than two at a time.
import { Semaphore } from 'multiproc';

const permits = new Semaphore(2);
let running = 0;
let most = 0;
const task = async () => {
  most = Math.max(most, ++running);
  await new Promise(setImmediate);
  running--;
};
await Promise.all([1, 2, 3, 4, 5, 6].map(() => permits.run(task)));
console.log(`at most ${most} at a time`); // at most 2 at a time
