// A list as a message.
import { isMainProcess, Process, Queue, task } from 'multiproc';

const f = task(import.meta, async function f(q: Queue) {
  await q.put([42, null, 'hello']);
});

async function main() {
  const q = new Queue();
  const p = new Process({ target: f, args: [q] });
  p.start();
  console.log(await q.get());
}

if (isMainProcess) await main();
