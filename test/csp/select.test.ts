/** Selections: what is chosen, by whom, and never twice. */
import {
  alt,
  Alternation,
  AltSelect,
  Channel,
  fair,
  FairSelect,
  InputGuard,
  OutputGuard,
  Parallel,
  poison,
  PoisonError,
  PriSelect,
  type ReadEnd,
  retire,
  RetireError,
  SkipGuard,
  TimeoutGuard,
  type WriteEnd,
} from 'multiproc/csp';
import { SharedArray } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Selector } from '../fixtures/csp-processes.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

interface Wire {
  readonly channel: Channel;
  readonly cin: ReadEnd;
  readonly cout: WriteEnd;
}

async function withWires(count: number, body: (...wires: Wire[]) => Promise<void>, buffer = 0): Promise<void> {
  const wires = Array.from({ length: count }, () => {
    const channel = new Channel({ buffer });
    return { channel, cin: channel.reader(), cout: channel.writer() };
  });
  try {
    await body(...wires);
  } finally {
    for (const { channel, cin, cout } of wires) for (const each of [cin, cout, channel]) each.close();
  }
}

describe('what is chosen', () => {
  test('PriSelect takes the first of those that are ready, inputs and outputs', () =>
    withWires(3, async (a, b, c) => {
      const written = b.cout('b');
      const read = c.cin();
      const guards = [new InputGuard(a.cin), new OutputGuard(c.cout, 'c'), new InputGuard(b.cin), new SkipGuard()];
      expect(await PriSelect(...guards)).toMatchObject({ guard: guards[1], end: c.cout, value: undefined });
      expect(await read).toBe('c');
      expect(await PriSelect(...guards)).toMatchObject({ guard: guards[2], end: b.cin, value: 'b' });
      await written;
      expect(await PriSelect(...guards)).toEqual({ guard: guards[3], end: undefined, value: undefined });
    }));

  test('what stands behind a skip is not chosen by PriSelect, and is by AltSelect', () =>
    withWires(1, async ({ cin, cout }) => {
      const written = cout(1);
      const skip = new SkipGuard();
      const input = new InputGuard(cin);
      expect((await PriSelect(skip, input)).guard).toBe(skip);
      expect(await AltSelect(skip, input)).toMatchObject({ guard: input, value: 1 });
      await written;
    }));

  test('the action gets the value, and is awaited', () =>
    withWires(2, async (a, b) => {
      const seen: unknown[] = [];
      const written = a.cout([7]);
      await AltSelect(
        new InputGuard(a.cin, async (value) => {
          await Promise.resolve();
          seen.push(value);
        }),
      );
      await written;
      const read = b.cin();
      await AltSelect(new OutputGuard(b.cout, 8, (...args) => seen.push(args[0])));
      await AltSelect(new InputGuard(a.cin), new SkipGuard(() => seen.push('skip')));
      await AltSelect(new InputGuard(a.cin), new TimeoutGuard(5, () => seen.push('timeout')));
      expect([await read, seen]).toEqual([8, [[7], undefined, 'skip', 'timeout']]);
      const failing = new SkipGuard(() => {
        throw new RangeError('in the action');
      });
      await expect(AltSelect(failing)).rejects.toThrow('in the action');
    }));

  test('a timeout is chosen when nothing was ready for so long, and nothing is left behind', () =>
    withWires(2, async (a, b) => {
      const start = performance.now();
      const late = new TimeoutGuard(500);
      const timeout = new TimeoutGuard(30);
      expect((await AltSelect(late, new InputGuard(a.cin), new OutputGuard(b.cout, 1), timeout)).guard).toBe(timeout);
      expect(performance.now() - start).toBeGreaterThan(25);
      expect((await AltSelect(new TimeoutGuard(0), new InputGuard(a.cin))).guard).toBeInstanceOf(TimeoutGuard);
      await expect(b.cin.read({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
      await expect(a.cout.write(1, { timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
      const written = a.cout(2);
      expect(await AltSelect(new TimeoutGuard(500), new InputGuard(a.cin))).toMatchObject({ value: 2 });
      await written;
    }));

  test('who waits is chosen later, exactly once, and its other offers are gone', () =>
    withWires(2, async (a, b) => {
      const choice = AltSelect(new InputGuard(a.cin), new OutputGuard(b.cout, 'out'));
      await a.cout('in');
      expect(await choice).toMatchObject({ end: a.cin, value: 'in' });
      await expect(b.cin.read({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
      const other = AltSelect(new InputGuard(a.cin), new OutputGuard(b.cout, 'out'));
      expect(await b.cin()).toBe('out');
      expect(await other).toMatchObject({ end: b.cout, value: undefined });
      await expect(a.cout.write(1, { timeout: 0 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
    }));

  test('an output guard is ready when the buffer has room', () =>
    withWires(
      1,
      async ({ cin, cout }) => {
        const output = new OutputGuard(cout, 'x');
        expect((await PriSelect(output, new SkipGuard())).guard).toBe(output);
        expect((await PriSelect(output, new SkipGuard())).guard).toBeInstanceOf(SkipGuard);
        expect(await cin()).toBe('x');
      },
      1,
    ));

  test('a selection never communicates with itself', () =>
    withWires(1, async ({ cin, cout }) => {
      const guards = [new InputGuard(cin), new OutputGuard(cout, 1)];
      expect((await AltSelect(...guards, new TimeoutGuard(30))).guard).toBeInstanceOf(TimeoutGuard);
      const [first, second] = await Promise.all([AltSelect(...guards), AltSelect(...guards)]);
      expect([first.end === cin, second.end === cin].sort()).toEqual([false, true]);
    }));

  test('fair selections choose each of those that are always ready as often as the others', () =>
    withWires(
      3,
      async (...wires) => {
        const counts = [0, 0, 0];
        const select = fair();
        for (let i = 0; i < 30; i += 1) {
          for (const { cout } of wires) await PriSelect(new OutputGuard(cout, i), new SkipGuard());
          const { end } = await select(...wires.map(({ cin }) => new InputGuard(cin)), new SkipGuard());
          const at = wires.findIndex(({ cin }) => cin === end);
          counts[at] = (counts[at] ?? 0) + 1;
        }
        expect(counts).toEqual([10, 10, 10]);
        expect((await FairSelect(new InputGuard((wires[0] as Wire).cin), new TimeoutGuard(0))).guard).toBeInstanceOf(
          InputGuard,
        );
      },
      1,
    ));

  test('an Alternation can be made of ends, pairs and Maps; select leaves the action to the caller', () =>
    withWires(2, async (a, b) => {
      const seen: unknown[] = [];
      const choice = new Alternation([
        [a.cin, (value) => seen.push(value)],
        new Map([[[b.cout, 'message'] as const, () => seen.push('sent')]]),
        [new TimeoutGuard(1000)],
      ]);
      const written = a.cout(1);
      await choice.execute();
      await written;
      const read = b.cin();
      await choice.execute();
      expect(await read).toBe('message');
      const again = a.cout(2);
      expect(await choice.select()).toMatchObject({ end: a.cin, value: 2 });
      await again;
      expect(seen).toEqual([1, 'sent']);
      expect((await alt([[new SkipGuard()]]).select()).guard).toBeInstanceOf(SkipGuard);
    }));
});

describe('the end of a channel during a selection', () => {
  test('a channel that has ended is what the selection throws, unless an earlier guard is ready', () =>
    withWires(2, async (a, b) => {
      retire(b.cout);
      const written = a.cout(1);
      expect(await PriSelect(new InputGuard(a.cin), new InputGuard(b.cin))).toMatchObject({ value: 1 });
      await written;
      await expect(PriSelect(new InputGuard(a.cin), new InputGuard(b.cin))).rejects.toThrow(RetireError);
      poison(a.cin);
      await expect(PriSelect(new OutputGuard(a.cout, 1), new InputGuard(b.cin))).rejects.toThrow(PoisonError);
    }));

  test('a selection that waits hears of retiring and poisoning', () =>
    withWires(2, async (a, b) => {
      const waiting = AltSelect(new InputGuard(a.cin), new InputGuard(b.cin));
      retire(b.cout);
      await expect(waiting).rejects.toThrow(RetireError);
      const next = AltSelect(new OutputGuard(a.cout, 1), new TimeoutGuard(10_000));
      poison(a.cin);
      await expect(next).rejects.toThrow(PoisonError);
    }));

  test('what is committed is not overwritten by retiring or poisoning', () =>
    withWires(2, async (a, b) => {
      const choice = AltSelect(new InputGuard(a.cin), new InputGuard(b.cin));
      await a.cout('committed');
      poison(a.cout, b.cout);
      expect(await choice).toMatchObject({ end: a.cin, value: 'committed' });
      await expect(a.cin()).rejects.toThrow(PoisonError);
    }));

  test('a selection ends with one of its ends', () =>
    withWires(2, async (a, b) => {
      const waiting = AltSelect(new InputGuard(a.cin), new InputGuard(b.cin));
      retire(a.cin);
      await expect(waiting).rejects.toThrow(RetireError);
      await expect(AltSelect(new InputGuard(a.cin))).rejects.toThrow(RetireError);
    }));
});

test('bad guards are refused', () =>
  withWires(1, async ({ cin, cout }) => {
    expect(() => new InputGuard(cout as unknown as ReadEnd)).toThrow(TypeError);
    expect(() => new OutputGuard(cin as unknown as WriteEnd, 1)).toThrow(TypeError);
    expect(() => new InputGuard(cin, 5 as never)).toThrow(TypeError);
    expect(() => new TimeoutGuard('x' as never)).toThrow(TypeError);
    expect(() => new TimeoutGuard(NaN)).toThrow(RangeError);
    expect(() => new Alternation([])).toThrow(TypeError);
    await expect(AltSelect()).rejects.toThrow(TypeError);
    await expect(AltSelect(cin as never)).rejects.toThrow(TypeError);
    await expect(AltSelect(new OutputGuard(cout, () => undefined))).rejects.toMatchObject({
      code: 'ERR_MULTIPROC_NOT_TRANSFERABLE',
    });
  }));

test('processes that select on both sides of several channels never deadlock, and each value goes to one', async () => {
  const most = 20_000;
  const crowd = 4;
  const array = (length: number): SharedArray<'i'> => new SharedArray('i', length, { lock: false });
  const ledger = { seen: array(crowd * most), done: array(crowd * most), tried: array(crowd), most };
  const channels = Array.from({ length: 3 }, () => new Channel());
  const selectors = Array.from({ length: crowd }, (_, who) => {
    const ends = { readers: channels.map((each) => each.reader()), writers: channels.map((each) => each.writer()) };
    return Selector(who, ends.readers, ends.writers, most, ledger);
  });
  const running = Parallel(selectors);
  const total = (): number => ledger.seen.reduce((sum, n) => sum + n, 0);
  await until('communications', () => total() > 3000);
  for (const channel of channels) {
    const end = channel.reader();
    poison(end);
    end.close();
  }
  await running;
  // Whoever was committed when the poison came has communicated.
  expect(Array.from(ledger.seen)).toEqual(Array.from(ledger.done));
  expect(Math.max(...ledger.seen)).toBe(1);
  for (const each of [...channels, ledger.seen, ledger.done, ledger.tried]) each.close();
});
