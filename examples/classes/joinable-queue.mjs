// A worker is killed with a task in hand: another one takes the task over.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { attach, JoinableQueue } from 'multiproc';

if (process.argv[2] === undefined) {
  const tasks = new JoinableQueue();
  tasks.putSync('the only task');
  const clumsy = fork(import.meta.filename, [tasks.handle]);
  await once(clumsy, 'message'); // it has taken the task
  clumsy.kill('SIGKILL');
  const job = await tasks.take();
  console.log(`${job.value}, attempt ${job.attempts}`); // the only task, attempt 2
  job.done();
  await tasks.join();
} else {
  globalThis.job = attach(process.argv[2]).takeSync();
  process.send('taken');
  process.on('message', () => undefined); // stays until it is killed
}
