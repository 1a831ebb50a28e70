import { Event, NotTransferableError, Pool, Queue, StateError, TerminatedError, TimeoutError } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { dieAt, echo, pidOf, sleepFor, square, squareLater, squareUnless, waitFor } from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const squares = (count: number): number[] => numbers(count).map((x) => x * x);
const byNumber = (a: number, b: number): number => a - b;

/** How far an input has been read, and whether it was told to end. */
class Input {
  read = 0;
  returned = 0;

  *endless(): Generator<number, void> {
    try {
      for (;;) {
        yield this.read;
        this.read += 1;
      }
    } finally {
      this.returned += 1;
    }
  }
}

async function all<T>(iterator: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of iterator) values.push(value);
  return values;
}

/** Everything that comes, with what is thrown as its message. */
async function everything(iterator: AsyncIterator<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  for (;;) {
    try {
      const { value, done } = (await iterator.next()) as IteratorResult<unknown, unknown>;
      if (done === true) return seen;
      seen.push(value);
    } catch (error) {
      seen.push((error as Error).message);
    }
  }
}

describe('values', () => {
  test('come in the order of the items, or as they are there', async () => {
    await using pool = new Pool(3);
    for (const chunksize of [1, 7, 100]) {
      expect(await all(pool.imap(square, numbers(1000), { chunksize }))).toEqual(squares(1000));
      const unordered = await all(pool.imapUnordered(squareLater, numbers(1000), { chunksize }));
      expect(unordered.sort(byNumber)).toEqual(squares(1000));
    }
    expect(await all(pool.imap(square, []))).toEqual([]);
    expect(await all(pool.imap(echo, 'text'))).toEqual(['t', 'e', 'x', 't']);
    const order = await all(pool.imapUnordered(sleepFor as never, [500, 1, 1, 1], { chunksize: 1 }));
    expect(order).toHaveLength(4);
  });

  test('imapUnordered does not wait for what takes long', async () => {
    await using pool = new Pool(2);
    const [started, gate] = [new Queue<number>(), new Event()];
    const running = pool.applyAsync(waitFor, [started, gate]);
    await started.get();
    const first = pool.imapUnordered(square, numbers(3));
    expect((await all(first)).sort(byNumber)).toEqual([0, 1, 4]);
    gate.set();
    await running;
    for (const object of [started, gate]) object.close();
  });

  test('asynchronous inputs: generators, iterators of other promises, and of none', async () => {
    await using pool = new Pool(2);
    async function* generator(): AsyncGenerator<number> {
      for (const x of numbers(30)) {
        if (x % 10 === 0) await new Promise(setImmediate);
        yield x;
      }
    }
    expect(await all(pool.imap(square, generator(), { chunksize: 4 }))).toEqual(squares(30));
    for (const wrap of [
      (step: unknown): unknown => ({ then: (resolve: (step: unknown) => void) => setImmediate(resolve, step) }),
      (step: unknown): unknown => step,
    ]) {
      let x = 0;
      const input = {
        [Symbol.asyncIterator]: () => ({
          next: () => wrap(x < 5 ? { value: x++, done: false } : { value: undefined, done: true }),
        }),
      } as AsyncIterable<number>;
      expect(await all(pool.imap(square, input))).toEqual(squares(5));
    }
    const nonsense = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(7) }) };
    await expect(all(pool.imap(square, nonsense as never))).rejects.toThrow('Iterator result 7 is not an object');
  });
});

describe('D15: the input is read only as far as the buffer allows', () => {
  test('and an endless one is possible', async () => {
    await using pool = new Pool(2);
    for (const method of ['imap', 'imapUnordered'] as const) {
      const input = new Input();
      const iterator = pool[method](square, input.endless(), { bufferSize: 10 });
      expect(input.read).toBeLessThanOrEqual(10);
      for (let taken = 1; taken <= 50; taken++) {
        await iterator.next();
        expect(input.read).toBeLessThanOrEqual(10 + taken);
      }
      await iterator.return();
      expect(input.returned).toBe(1);
      expect(await iterator.next()).toEqual({ value: undefined, done: true });
    }
  });

  test('chunks stay whole while it is full', async () => {
    await using pool = new Pool(2);
    expect(await all(pool.imap(square, numbers(400), { chunksize: 10, bufferSize: 25 }))).toEqual(squares(400));
    expect(pool.stats().completed).toBe(40);
    const unordered = await all(pool.imapUnordered(square, numbers(400), { chunksize: 10, bufferSize: 10 }));
    expect(unordered.sort(byNumber)).toEqual(squares(400));
    expect(pool.stats().completed).toBe(80);
  });

  test('leaving a loop ends it', async () => {
    await using pool = new Pool(2);
    const input = new Input();
    for await (const value of pool.imap(square, input.endless())) if (value > 100) break;
    expect(input.returned).toBe(1);
    pool.close();
    await pool.join();
  });
});

describe('failures', () => {
  test('D16: come in their places, and the others too, whatever the chunks', async () => {
    await using pool = new Pool(2);
    const expected = await everything(pool.imap(squareUnless, numbers(21), { chunksize: 1 }));
    expect(expected.slice(0, 4)).toEqual([0, 1, 4, 'not 3']);
    expect(expected.filter((value) => typeof value === 'number')).toHaveLength(15);
    for (const chunksize of [2, 5, 21])
      expect(await everything(pool.imap(squareUnless, numbers(21), { chunksize }))).toEqual(expected);
    const unordered = await everything(pool.imapUnordered(squareUnless, numbers(21), { chunksize: 4 }));
    expect(unordered.map(String).sort()).toEqual(expected.map(String).sort());
  });

  test('items that cannot travel fail alone', async () => {
    await using pool = new Pool(2);
    for (const chunksize of [1, 3]) {
      const iterator = pool.imap(echo, [1, () => 2, 3, Symbol('4')], { chunksize });
      expect((await iterator.next()).value).toBe(1);
      await expect(iterator.next()).rejects.toThrow(NotTransferableError);
      expect((await iterator.next()).value).toBe(3);
      await expect(iterator.next()).rejects.toThrow(NotTransferableError);
      expect((await iterator.next()).done).toBe(true);
    }
  });

  test('what the input throws takes the place of its next item, and is the end', async () => {
    await using pool = new Pool(2);
    function* broken(): Generator<number> {
      yield* numbers(5);
      throw new RangeError('no more');
    }
    async function* brokenLater(): AsyncGenerator<number> {
      await Promise.resolve();
      yield* broken();
    }
    for (const chunksize of [1, 2, 10]) {
      for (const input of [broken, brokenLater]) {
        const seen = await everything(pool.imap(square, input(), { chunksize }));
        expect(seen).toEqual([...squares(5), 'no more']);
        const unordered = await everything(pool.imapUnordered(square, input(), { chunksize }));
        expect(unordered.map(String).sort()).toEqual([...squares(5), 'no more'].map(String).sort());
      }
    }
    expect(() => pool.imap(square, 7 as never)).toThrow(TypeError);
  });

  test('next({ timeout }): the value is not lost', async () => {
    await using pool = new Pool(1);
    const [started, gate] = [new Queue<number>(), new Event()];
    const blocker = pool.applyAsync(waitFor, [started, gate]);
    await started.get();
    const iterator = pool.imap(square, [3, 4]);
    await expect(iterator.next({ timeout: 20 })).rejects.toThrow(TimeoutError);
    await expect(iterator.next({ timeout: 0 })).rejects.toThrow(TimeoutError);
    await expect(iterator.next({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: 'TimeoutError' });
    const both = [iterator.next(), iterator.next({ timeout: 200_000 })];
    gate.set();
    expect(await Promise.all(both)).toEqual([
      { value: 9, done: false },
      { value: 16, done: false },
    ]);
    await blocker;
    for (const object of [started, gate]) object.close();
  });

  test('an abort is told, also when nothing is under way but the input', async () => {
    await using pool = new Pool(1);
    const controller = new AbortController();
    async function* slow(): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => undefined);
    }
    const iterator = pool.imap(square, slow(), { signal: controller.signal });
    expect((await iterator.next()).value).toBe(1);
    const pending = iterator.next();
    controller.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
    expect((await iterator.next()).done).toBe(true);

    const [started, gate] = [new Queue<number>(), new Event()];
    const second = new AbortController();
    const running = pool.imap(waitFor as never, [1], { signal: second.signal });
    await expect(running.next()).rejects.toThrow();
    second.abort();
    expect((await running.next()).done).toBe(true);
    for (const object of [started, gate]) object.close();
  });

  test('an abort ends the worker that is working on an item, and what waits fails', async () => {
    await using pool = new Pool(1);
    const pid = await pool.apply(pidOf);
    const controller = new AbortController();
    const iterator = pool.imap(sleepFor as (item: number) => unknown, [60_000, 1, 2], { signal: controller.signal });
    await until('it runs', () => pool.stats().running === 1);
    controller.abort('reason');
    for (let item = 0; item < 3; item++) await expect(iterator.next()).rejects.toBe('reason');
    expect((await iterator.next()).done).toBe(true);
    expect(await pool.apply(pidOf)).not.toBe(pid);
  });
});

describe('the end of the pool', () => {
  test('close: the input that is under way is read to its end; values can be taken after join', async () => {
    const pool = new Pool(2);
    const iterator = pool.imap(square, numbers(500), { bufferSize: 5 });
    async function* later(): AsyncGenerator<number> {
      for (const x of numbers(20)) {
        await new Promise(setImmediate);
        yield x;
      }
    }
    const second = pool.imapUnordered(square, later(), { bufferSize: 2, chunksize: 2 });
    pool.close();
    expect(() => pool.imap(square, [1])).toThrow(StateError);
    await pool.join();
    expect(await all(iterator)).toEqual(squares(500));
    expect((await all(second)).sort(byNumber)).toEqual(squares(20));
  });

  test('joinSync reads an input too, but not one that needs the event loop', async () => {
    const pool = new Pool(2);
    const iterator = pool.imap(square, numbers(100), { bufferSize: 5 });
    pool.close();
    pool.joinSync();
    expect(await all(iterator)).toEqual(squares(100));

    await using other = new Pool(1);
    async function* slow(): AsyncGenerator<number> {
      await new Promise(setImmediate);
      yield 1;
    }
    const values = other.imap(square, slow());
    other.close();
    expect(() => {
      other.joinSync();
    }).toThrow(/which a blocked thread cannot await/);
    await other.join();
    expect(await all(values)).toEqual([1]);
  });

  test('terminate: what is pending fails, the input is told to end, and the iterator ends', async () => {
    for (const method of ['imap', 'imapUnordered'] as const) {
      const pool = new Pool(2);
      const input = new Input();
      const iterator = pool[method](square, input.endless(), { bufferSize: 4 });
      expect((await iterator.next()).done).toBe(false);
      const ended = pool.terminate();
      expect(input.returned).toBe(1);
      let failures = 0;
      for (let calls = 0; calls < 10; calls++) {
        const step = await iterator.next({ timeout: 200_000 }).catch((error: unknown) => error);
        if (step instanceof TerminatedError) failures += 1;
        else if ((step as { done?: boolean }).done === true) break;
      }
      expect(failures).toBeGreaterThan(0);
      expect(await iterator.next()).toEqual({ value: undefined, done: true });
      await ended;
    }
  });

  test('workers that die: their items fail, retries do them again', async () => {
    await using pool = new Pool(2);
    const seen = await everything(pool.imap(dieAt, numbers(20)));
    expect(seen.filter((value) => typeof value === 'string')).toHaveLength(1);
    expect(seen[13]).toMatch(/was ended by SIGKILL/);
    const retried = await everything(pool.imap(dieAt, numbers(20), { retries: 1 }));
    expect(retried[13]).toMatch(/was ended by SIGKILL/);
    expect(retried.filter((value) => typeof value === 'number')).toHaveLength(19);
  });

  test('progress counts items; the total is known when the input has been read', async () => {
    await using pool = new Pool(1);
    const seen: unknown[] = [];
    const onProgress = (progress: unknown): unknown => seen.push(progress);
    await all(pool.imap(square, numbers(4), { chunksize: 2, onProgress }));
    expect(seen).toEqual([
      { done: 2, total: 4 },
      { done: 4, total: 4 },
    ]);
  });
});
