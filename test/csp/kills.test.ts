/** Processes of CSP that are killed or stopped at any moment: nobody hangs, no value comes twice, none that was taken is lost. */
import { activeChildren, SharedArray } from 'multiproc';
import { Channel, Spawn, times } from 'multiproc/csp';
import { describe, expect, test } from 'vitest';
import { LedgerReader, LedgerWriter, Selector } from '../fixtures/csp-processes.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const most = 20_000;
const seed = Number(process.env['CSP_SEED'] ?? Date.now() % 2 ** 31);

/** A generator that the seed repeats. */
function random(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

interface Ledger {
  readonly seen: SharedArray<'i'>;
  readonly done: SharedArray<'i'>;
  readonly tried: SharedArray<'i'>;
  readonly most: number;
}

function makeLedger(writers: number): Ledger {
  const array = (length: number): SharedArray<'i'> => new SharedArray('i', length, { lock: false });
  return { seen: array(writers * most), done: array(writers * most), tried: array(writers), most };
}

function closeLedger({ seen, done, tried }: Ledger): void {
  for (const array of [seen, done, tried]) array.close();
}

function total(array: ArrayLike<number>): number {
  return Array.from(array).reduce((sum, n) => sum + n, 0);
}

/** Values that came twice, and those whose write had returned and that nobody saw. */
function audit({ seen, done }: Ledger): { twice: number; lost: number } {
  let twice = 0;
  let lost = 0;
  for (let at = 0; at < seen.length; at += 1) {
    if ((seen[at] as number) > 1) twice += 1;
    if (done[at] === 1 && seen[at] === 0) lost += 1;
  }
  return { twice, lost };
}

async function killOne(pick: (below: number) => number): Promise<void> {
  const children = activeChildren();
  const child = children[pick(children.length)];
  child?.kill();
  await child?.join();
}

describe(`with seed ${seed}`, () => {
  test.each([0, 4])(
    'readers and writers of a channel with buffer %i are killed at random: the others go on, nothing comes twice',
    async (buffer) => {
      const pick = random(seed);
      const ledger = makeLedger(4);
      const channel = new Channel({ buffer });
      const writers = Array.from({ length: 4 }, (_, who) => LedgerWriter(who, channel.writer(), ledger));
      const spawned = Spawn(writers, times(4, LedgerReader(channel.reader(), ledger)));
      const ends = Promise.allSettled(spawned.map(({ result }) => result));
      for (let kills = 0; kills < 4; kills += 1) {
        const before = total(ledger.seen);
        await until('communications', () => total(ledger.seen) > before + 200 + pick(500));
        await killOne(pick);
      }
      const after = total(ledger.seen);
      const alive = (): number => activeChildren().length;
      await until('the others go on or end', () => total(ledger.seen) > after + 200 || alive() < 4);
      for (const child of activeChildren()) child.kill();
      await ends;
      const { twice, lost } = audit(ledger);
      expect(twice).toBe(0);
      // What a reader had in its hands when it was killed, and what lay in the buffer at the end.
      expect(lost).toBeLessThanOrEqual(8 + buffer);
      channel.close();
      closeLedger(ledger);
    },
  );

  test('processes that select among reading and writing are killed at random: the others go on, nothing comes twice', async () => {
    const pick = random(seed + 1);
    const ledger = makeLedger(5);
    const channels = Array.from({ length: 3 }, () => new Channel());
    const selectors = Array.from({ length: 5 }, (_, who) =>
      Selector(
        who,
        channels.map((channel) => channel.reader()),
        channels.map((channel) => channel.writer()),
        most,
        ledger,
      ),
    );
    const ends = Promise.allSettled(Spawn(selectors).map(({ result }) => result));
    for (let kills = 0; kills < 3; kills += 1) {
      const before = total(ledger.seen);
      await until('communications', () => total(ledger.seen) > before + 200 + pick(500));
      await killOne(pick);
    }
    const after = total(ledger.seen);
    await until('the last two go on', () => total(ledger.seen) > after + 200);
    for (const child of activeChildren()) child.kill();
    await ends;
    const { twice, lost } = audit(ledger);
    expect(twice).toBe(0);
    expect(lost).toBeLessThanOrEqual(5);
    for (const channel of channels) channel.close();
    closeLedger(ledger);
  });
});
