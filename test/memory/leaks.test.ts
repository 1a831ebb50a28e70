/** The short form of test/torture/leaks.part.mjs. */
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { slowness } from '../support/slowness.js';
import { environment } from '../torture/leaks/watch.mjs';

expectNoLeftovers();

test('objects of every kind, let go of in every way, leave no memory, descriptor, mapping, thread or segment', async () => {
  // Fewer, and the object that native code keeps for each would be lost in what the allocator itself keeps.
  const count = 1000;
  const child = startChild('leaks.mjs', { args: [String(count)], env: environment, watchdog: 110_000 * slowness });
  let figures: { objects: number; endings: number } | undefined;
  while (figures === undefined) ({ figures } = (await child.message()) as { figures?: typeof figures });
  expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  // 16 kinds, each by close() and in the other ways.
  expect(figures.objects).toBeGreaterThan(16 * 2 * count);
  expect(figures.endings).toBeGreaterThan(20);
});
