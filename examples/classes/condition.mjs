// One process waits until another one has made the balance large enough.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, Condition, Value } from 'multiproc';

if (process.argv[2] === undefined) {
  const changed = new Condition();
  const balance = new Value('i', 0, { lock: false });
  const child = fork(import.meta.filename, [changed.handle, balance.handle]);
  const ended = once(child, 'exit');
  await changed.run(async () => {
    await changed.waitFor(() => balance.value >= 100);
    console.log(`balance: ${balance.value}`); // balance: 100
  });
  await ended;
} else {
  const [changed, balance] = process.argv.slice(2).map((handle) => attach(handle));
  for (let payment = 0; payment < 10; payment++) {
    changed.runSync(() => {
      balance.value += 10;
      changed.notifyAll();
    });
  }
}
