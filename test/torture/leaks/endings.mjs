// @ts-check
// Ends that come while something is open: of waits, of threads and of processes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Event, Lock, Queue } from 'multiproc';

const user = fileURLToPath(new URL('./user.mjs', import.meta.url));

/** @param {Promise<unknown>} wait @param {string} code */
async function expectRejection(wait, code) {
  const error = await wait.then(
    () => undefined,
    (reason) => reason,
  );
  if (error?.code !== code) throw new Error(`The wait ended with ${error}, not with ${code}`);
}

/**
 * `share` is the part of the asked-for number that is done.
 *
 * @type {Readonly<Record<string, { share: number, once: () => Promise<void> }>>}
 */
export const endings = {
  'a wait that close() ends': {
    share: 0.1,
    once: async () => {
      const queue = new Queue();
      const event = new Event();
      const waits = [queue.get(), event.wait()].map((wait) => expectRejection(wait, 'ERR_MULTIPROC_CLOSED'));
      queue.close();
      event.close();
      await Promise.all(waits);
    },
  },
  'a wait that is aborted': {
    share: 0.1,
    once: async () => {
      const queue = new Queue();
      const lock = new Lock();
      const reason = Object.assign(new Error('enough'), { code: 'ENOUGH' });
      const controller = new AbortController();
      const { signal } = controller;
      lock.acquireSync();
      const waits = [queue.get({ signal }), lock.acquire({ signal })].map((wait) => expectRejection(wait, 'ENOUGH'));
      controller.abort(reason);
      await Promise.all(waits);
      lock.release();
      queue.close();
      lock.close();
    },
  },
  'a thread that ends with objects open': {
    share: 0.002,
    once: async () => {
      const queue = new Queue();
      const lock = new Lock();
      const worker = new Worker(user, { workerData: [queue.handle, lock.handle] });
      await once(worker, 'message');
      await worker.terminate();
      queue.close();
      lock.close();
    },
  },
  'a process that is killed with objects open': {
    share: 0.002,
    once: async () => {
      const queue = new Queue();
      const lock = new Lock();
      const child = fork(user, [queue.handle, lock.handle], { execArgv: [] });
      const closed = once(child, 'close');
      await Promise.race([once(child, 'message'), closed]);
      child.kill('SIGKILL');
      const [, signal] = await closed;
      if (signal !== 'SIGKILL') throw new Error('The process ended before it was killed');
      // Who needs what it held finds the death, and clears its places; otherwise that waits until memory is short.
      const hold = lock.holdSync();
      if (!hold.ownerDied) throw new Error('The lock does not tell that its owner died');
      hold.release();
      queue.close();
      lock.close();
    },
  },
};
