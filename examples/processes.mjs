import { isMainProcess, Process, Queue, task } from 'multiproc';

// task() gives the function an address: this module, and its name.
const square = task(import.meta, async function square(numbers, squares) {
  for await (const n of numbers) squares.putSync([n, n * n]);
});

if (isMainProcess) {
  const [numbers, squares] = [new Queue(), new Queue()];
  const workers = [1, 2].map(() => new Process({ target: square, args: [numbers, squares] }));
  for (const worker of workers) worker.start();
  for (let n = 1; n <= 10; n++) await numbers.put(n);
  numbers.shutdown();
  for (const worker of workers) await worker.join(); // 0; after an uncaught error 1, and worker.error
  const pairs = await squares.getMany();
  pairs.sort(([a], [b]) => a - b);
  console.log(pairs.map(([, nn]) => nn).join(' ')); // 1 4 9 16 25 36 49 64 81 100
}
