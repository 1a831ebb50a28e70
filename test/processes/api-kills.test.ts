/**
 * A process is killed in the middle of every operation of the public API: the short form of test/torture/api.part.mjs, at
 * points drawn with a fixed seed.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildFaultAddon } from '../../scripts/support/build-tested-addon.mjs';
import { operations } from '../torture/api/operations.mjs';
import { Random } from '../torture/api/random.mjs';
import { Trials } from '../torture/api/trial.mjs';

const random = new Random(20);
let trials: Trials;

// The compiler may have something to do.
beforeAll(() => {
  const addon = buildFaultAddon();
  if (addon === undefined) throw new Error('Cannot build the addon with fault points');
  trials = new Trials(addon);
}, 1_800_000);

afterAll(() => trials.end());

test.each(Object.keys(operations))(
  'a process killed in %s hinders nobody, loses nothing, doubles nothing',
  async (what) => {
    const { killed, points } = await trials.run(what, 0, 0);
    expect(killed).toBe(false);
    expect(points).toBeGreaterThan(0);
    // What waits passes more or fewer points each time, but the first few always.
    const early = 1 + random.below(Math.min(8, points));
    expect(await trials.run(what, early, 0)).toMatchObject({ killed: true });
    await trials.run(what, 1 + random.below(points), random.of([1, 3]));
  },
);

test('those beside the killed were seen to go on', () => {
  // Who had nothing left to do when the victim died shows nothing.
  expect(trials.beside).toBeGreaterThan(0);
  expect(trials.wentOn).toBeGreaterThan(trials.beside / 2);
});
