/**
 * Worker threads are participants of their own.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Event, Lock } from 'multiproc';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const fixture = new URL('../fixtures/worker-thread.mjs', import.meta.url);

test.each([true, false])('Lock excludes the threads of one process (thread blocked: %s)', async (block) => {
  using lock = new Lock();
  using event = new Event();
  const worker = new Worker(fixture, { workerData: { lock, event, block } });
  const [shown] = (await once(worker, 'message')) as [string];
  expect(shown).toMatch(/^<Lock\(owner=MainProcess\|Thread-\d+\)>$/);
  expect(lock.locked()).toBe(true);
  expect(lock.acquireSync({ timeout: 0 })).toBe(false);
  const waiting = lock.acquire();
  const exited = once(worker, 'exit');
  event.set();
  expect(await waiting).toBe(true);
  lock.release();
  expect(await exited).toEqual([0]);
});

test.each([true, false])('a worker that is terminated gives its lock to others (thread blocked: %s)', async (block) => {
  using lock = new Lock();
  using event = new Event();
  const worker = new Worker(fixture, { workerData: { lock, event, block } });
  await once(worker, 'message');
  await until('it waits', () => event.stats().waiters === 1);
  await worker.terminate();
  using hold = await lock.hold();
  expect(hold.ownerDied).toBe(true);
});
