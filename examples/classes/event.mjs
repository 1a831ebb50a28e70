// A process waits for a starting signal.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, Event } from 'multiproc';

if (process.argv[2] === undefined) {
  const start = new Event();
  const child = fork(import.meta.filename, [start.handle]);
  await once(child, 'message'); // it is ready
  start.set();
  const [code] = await once(child, 'exit');
  console.log(`ended with ${code}`); // ended with 0
} else {
  process.send('ready');
  attach(process.argv[2]).waitSync(); // this thread has nothing else to do: it may block
}
