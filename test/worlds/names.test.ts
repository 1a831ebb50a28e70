/**
 * Several processes that open, create, close and unlink one name at once; the long form is the part `names` of the torture tests.
 */
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { slowness } from '../support/slowness.js';
import { fight } from '../torture/names.part.mjs';

expectNoLeftovers();

test('every call succeeds or says what the documents say, and those who share an incarnation share no other', async () => {
  const { failures, figures } = await fight({
    processes: 8,
    rounds: 1_000,
    kills: 0,
    seed: 1,
    watchdog: 120_000 * slowness,
  });
  expect(failures).toEqual([]);
  expect(figures.incarnations).toBeGreaterThan(10);
  expect(figures.shared).toBeGreaterThan(0);
});

test('the same holds while some are killed in the middle, and the next program removes what they left', async () => {
  const { failures, figures } = await fight({
    processes: 4,
    rounds: 2_000,
    kills: 8,
    seed: 2,
    watchdog: 120_000 * slowness,
  });
  expect(failures).toEqual([]);
  // One may have finished before its kill came.
  expect(figures.killed).toBeGreaterThanOrEqual(4);
});
