import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, Lock, Queue, Value } from 'multiproc';

if (process.argv[2] !== 'worker') {
  const shared = { numbers: new Queue({ maxsize: 100 }), sum: new Value('q', 0), lock: new Lock() };
  const workers = [1, 2].map(() => fork(import.meta.filename, ['worker']));
  for (const worker of workers) worker.send(shared); // each object arrives as { handle }
  for (let n = 1; n <= 10_000; n++) await shared.numbers.put(n); // waits while the queue is full
  shared.numbers.shutdown(); // what is in the queue is still delivered
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  console.log(`sum: ${shared.sum.value}`); // sum: 50005000
} else {
  const [{ numbers, sum, lock }] = await once(process, 'message');
  const [queue, total, guard] = [attach(numbers), attach(sum), attach(lock)];
  for await (const n of queue) {
    guard.runSync(() => (total.value += BigInt(n))); // or, without the lock: total.add(n)
  }
}
