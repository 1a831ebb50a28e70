/** What managers of Python's multiprocessing do wrong, and these do not: see `channels.test.ts`. */
import { BrokenPipeError, Manager, type ManagedDict, Process } from 'multiproc';
import { expect, test } from 'vitest';
import { doubleAll } from '../fixtures/manager-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

test('D44: a dict is iterated in a child, one proxy serves many at once, nested changes are kept, a call after the shutdown says why it fails', async () => {
  const manager = await Manager();
  using dict = await manager.dict({ a: 1, b: 2, c: 3 });
  using lock = await manager.Lock();
  using inner = await manager.dict({ n: 1 });
  using outer = await manager.dict({ inner });
  const children = [1, 2].map(() => new Process({ target: doubleAll, args: [lock, dict, outer] }));
  for (const child of children) child.start();
  // Beside them, the same proxies here.
  const reads = Array.from({ length: 100 }, () => dict.size());
  for (const child of children) expect(await child.join()).toBe(0);
  expect(new Set(await Promise.all(reads))).toEqual(new Set([3]));
  expect(await dict.value()).toEqual({ a: 4, b: 8, c: 12 });
  using same = (await outer.get('inner')) as ManagedDict<string, number>;
  expect(await same.get('n')).toBe(3);
  expect(await inner.get('n')).toBe(3);
  await manager.shutdown();
  await expect(dict.size()).rejects.toThrow(BrokenPipeError);
  await expect(dict.size()).rejects.toThrow('Cannot call the manager: it has ended');
});
