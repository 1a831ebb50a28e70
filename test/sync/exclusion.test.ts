/**
 * Mutual exclusion under contention, proved by a counter that several processes change without atomic operations.
 */
import { BoundedSemaphore, Lock, RLock, Value } from 'multiproc';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { slowness } from '../support/slowness.js';

expectNoLeftovers();

test.each([
  ['Lock', 'sync', () => new Lock()],
  ['Lock', 'async', () => new Lock()],
  ['RLock', 'sync', () => new RLock()],
  ['RLock', 'async', () => new RLock()],
  ['BoundedSemaphore', 'sync', () => new BoundedSemaphore(1)],
  ['BoundedSemaphore', 'async', () => new BoundedSemaphore(1)],
])('%s, %s: four processes lose no update', async (_class, form, makeLock) => {
  using lock = makeLock();
  using total = new Value('i', 0, { lock: false });
  const times = form === 'sync' ? 20_000 : 2_000;
  const children = [1, 2, 3, 4].map(() =>
    startChild('count-locked.mjs', {
      args: [total.handle, lock.handle, String(times), form],
      watchdog: 60_000 * slowness,
    }),
  );
  for (const child of children) expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  expect(total.value).toBe(4 * times);
  expect(lock.locked()).toBe(false);
});

test('Lock: processes that are killed while they hold it lose no update of others', async () => {
  using lock = new Lock();
  using total = new Value('i', 0, { lock: false });
  using rounds = new Value('i', 0, { lock: false });
  for (let round = 0; round < 5; round += 1) {
    const child = startChild('count-locked.mjs', { args: [rounds.handle, lock.handle, '1000000000', 'sync'] });
    const before = rounds.value;
    while (rounds.value < before + 100) await new Promise(setImmediate);
    child.kill('SIGKILL');
    await child.exit;
    // Whether it died holding the lock or not, the lock is to be had.
    expect(lock.acquireSync({ timeout: 200_000 })).toBe(true);
    total.value += 1;
    lock.release();
  }
  expect(total.value).toBe(5);
});
