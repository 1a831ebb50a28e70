/**
 * What waiting means for the event loop.
 */
import { Event, Lock, Semaphore } from 'multiproc';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

test('a pending wait keeps its process alive, and nothing does afterwards', async () => {
  using event = new Event();
  using semaphore = new Semaphore(0);
  const child = startChild('wait-and-release.mjs', { args: [event.handle, semaphore.handle] });
  await until('the child waits', () => event.stats().waiters === 1);
  event.set();
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  expect(semaphore.getValue()).toBe(1);
});

test('a pending wait does not block the event loop', async () => {
  using lock = new Lock();
  lock.acquireSync();
  const waiting = lock.acquire();
  let turns = 0;
  while (turns < 1000) {
    await new Promise(setImmediate);
    turns += 1;
  }
  lock.release();
  expect(await waiting).toBe(true);
  lock.release();
});

test('thousands of waits can be pending, and cancelled in any order', async () => {
  using lock = new Lock();
  lock.acquireSync();
  const controllers = Array.from({ length: 5000 }, () => new AbortController());
  const waits = controllers.map(({ signal }) => lock.acquire({ signal }).catch(() => 'aborted'));
  const kept = lock.acquire();
  for (let i = 0; i < controllers.length; i += 2) controllers[i]?.abort();
  for (let i = controllers.length - 1; i > 0; i -= 2) controllers[i]?.abort();
  expect(new Set(await Promise.all(waits))).toEqual(new Set(['aborted']));
  lock.release();
  expect(await kept).toBe(true);
  lock.release();
});
