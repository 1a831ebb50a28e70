/**
 * Many users of one object; the long form is the part `crowd` of the torture tests.
 */
import { Queue } from 'multiproc';
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { slowness } from '../support/slowness.js';
import { fillPlaces, gather } from '../torture/crowd.part.mjs';

expectNoLeftovers();

test('every message of a crowd of producers is got once by a crowd of consumers', async () => {
  const { failures, figures } = await gather({ processes: 24, messages: 100, watchdog: 120_000 * slowness });
  expect(failures).toEqual([]);
  expect(figures).toMatchObject({ processes: 24, messages: 2400 });
});

test('who comes when all places are taken gets LimitError, and the place of one that left is free', async () => {
  using queue = new Queue({ maxParticipants: 8 });
  const { joined, refusal, again } = await fillPlaces({ handle: queue.handle, watchdog: 120_000 * slowness });
  expect(joined).toBe(7);
  expect(refusal).toMatchObject({ name: 'LimitError', code: 'ERR_MULTIPROC_LIMIT' });
  expect(refusal.message).toContain('8 participant');
  expect(again).toBe('joined');
  queue.putSync(1);
  expect(queue.getSync()).toBe(1);
});
