// A process is killed while it holds a lock: the next owner gets it, and is told.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, Lock } from 'multiproc';

if (process.argv[2] === undefined) {
  const lock = new Lock();
  const child = fork(import.meta.filename, [lock.handle]);
  await once(child, 'message');
  const waiting = lock.hold();
  child.kill('SIGKILL');
  const hold = await waiting;
  console.log(`the owner died: ${hold.ownerDied}`); // the owner died: true
  hold.release();
} else {
  attach(process.argv[2]).acquireSync();
  process.send('locked');
  process.on('message', () => undefined); // stays until it is killed
}
