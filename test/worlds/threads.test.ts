/**
 * Worker threads that end in the middle of a wait, or with what others need, while their process goes on. The long form, which ends them at
 * any moment, is the part `threads` of the torture tests.
 */
import { expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';
import { slowness } from '../support/slowness.js';
import { endAtRandom } from '../torture/threads.part.mjs';

expectNoLeftovers();

interface Report {
  readonly outcomes: readonly string[];
  readonly threads: number;
  readonly descriptors: number;
}

// A blocked thread can neither exit nor throw.
test.each([
  ['terminate', 'sync', 16],
  ['terminate', 'async', 24],
  ['exit', 'async', 24],
  ['throw', 'async', 24],
])(
  'a thread that ends by %s in any kind of %s wait, or keeps what others need, blocks and loses nothing',
  async (end, how, count) => {
    const child = startChild('end-threads.mjs', { args: [end, how] });
    const { outcomes, threads, descriptors } = (await child.message()) as Report;
    expect(outcomes.filter((outcome) => !outcome.endsWith(': held'))).toEqual([]);
    expect(outcomes).toHaveLength(count);
    expect({ threads, descriptors }).toEqual({ threads: 0, descriptors: 0 });
    expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  },
);

test('threads that are terminated at any moment block nobody and lose nothing that was put', async () => {
  const { failures, figures } = await endAtRandom({ count: 40, seed: 3, watchdog: 120_000 * slowness });
  expect(failures).toEqual([]);
  expect(figures.terminated).toBe(40);
});
