import {
  activeChildren,
  AsyncResult,
  Event,
  NotTransferableError,
  Pool,
  type PoolOptions,
  Queue,
  RemoteError,
  StateError,
  TimeoutError,
  task,
  usableCpuCount,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import {
  add,
  bytesOf,
  describeWorker,
  digest,
  echo,
  fail,
  failAtLength,
  factorial,
  getPrepared,
  pidOf,
  power,
  prepare,
  square,
  squareLater,
  squareUnless,
  Temperature,
  waitFor,
  warmer,
} from '../fixtures/pool-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const module = new URL('../fixtures/pool-tasks.mjs', import.meta.url).href;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const squares = (count: number): number[] => numbers(count).map((x) => x * x);

describe('as the tutorials use it', () => {
  test('Pool(3), five applyAsync: three at a time, the same workers for the others; join comes after close', async () => {
    const pool = new Pool(3);
    const [started, gate] = [new Queue<number>(), new Event()];
    const results = numbers(5).map((index) => pool.applyAsync(waitFor, [started, gate, index]));
    const first = await Promise.all([started.get(), started.get(), started.get()]);
    expect(new Set(first).size).toBe(3);
    expect(pool.stats()).toMatchObject({ running: 3, queued: 2 });
    await expect(pool.join()).rejects.toThrow(StateError);
    expect(() => {
      pool.joinSync();
    }).toThrow(/close or terminate it first/);
    gate.set();
    pool.close();
    await pool.join();
    expect(await Promise.all(results)).toEqual(numbers(5));
    const rest = [started.getNowait(), started.getNowait()];
    expect(rest.every((pid) => first.includes(pid))).toBe(true);
    for (const object of [started, gate]) object.close();
  });

  test('Pool(4).map over a range, close, join', async () => {
    const pool = new Pool(4);
    expect(await pool.map(square, numbers(10))).toEqual(squares(10));
    pool.close();
    await pool.join();
    expect(activeChildren()).toEqual([]);
  });

  test('factorials of many digits come in the order of the inputs', async () => {
    await using pool = new Pool({ processes: 5 });
    const inputs = [20_000, 4_000, 3_000, 2_000, 1_000];
    const results = await pool.map(factorial, inputs, { chunksize: 1 });
    expect(results).toEqual(inputs.map((n) => factorial(n)));
    expect(String(results[0]).length).toBe(77_338);
  });
});

describe('calls', () => {
  test('apply: arguments, named arguments, promises, an address instead of a function', async () => {
    await using pool = new Pool(2);
    expect(await pool.apply(add, [1, 2])).toBe(3);
    expect(await pool.apply(power, [3])).toBe(9);
    expect(await pool.apply(power, [3], { kwargs: { exponent: 3 } })).toBe(27);
    expect(await pool.apply(squareLater, [5])).toBe(25);
    expect(await pool.apply({ module, name: 'add' }, [3, 4])).toBe(7);
    expect(pool.applySync(add, [5, 6])).toBe(11);
    expect(pool.applySync(power, [2], { kwargs: { exponent: 10 } })).toBe(1024);
  });

  test('arguments and values are copied, and are what they were', async () => {
    await using pool = new Pool(1);
    const value = [
      undefined,
      null,
      -0,
      NaN,
      2n ** 70n,
      new Map([[1, new Set(['a'])]]),
      new Date(5),
      'ä€😀',
      { a: new Array(2) },
    ];
    const result = pool.applyAsync(echo, [value]);
    value.length = 0;
    expect(await result).toEqual([
      ...[
        undefined,
        null,
        -0,
        NaN,
        2n ** 70n,
        new Map([[1, new Set(['a'])]]),
        new Date(5),
        'ä€😀',
        { a: new Array(2) },
      ],
    ]);
    expect(await pool.map(echo, [undefined, null])).toEqual([undefined, null]);
  });

  test('the workers are daemons with names, environment and initializer of their own', async () => {
    const options: PoolOptions = {
      processes: 2,
      initializer: prepare,
      initargs: [{ text: 'prepared' }],
      env: { ...process.env, MULTIPROC_TEST: 'yes' },
    };
    await using pool = new Pool(options);
    const worker = await pool.apply(describeWorker);
    expect(worker).toMatchObject({ daemon: true, parent: process.pid, environment: 'yes' });
    expect(worker.name).toMatch(/PoolWorker-\d+$/);
    expect(pool.stats().workers.map(({ pid }) => pid)).toContain(worker.pid);
    expect(await pool.map(getPrepared, numbers(8))).toEqual(numbers(8).map(() => ({ text: 'prepared' })));
  });

  test('map, starmap and their other forms give values in order, whatever the chunks', async () => {
    await using pool = new Pool(3);
    const pairs = numbers(50).map((x): [number, number] => [x, 2 * x]);
    for (const chunksize of [undefined, 1, 7, 50, 1000]) {
      const options = { chunksize };
      expect(await pool.map(square, numbers(50), options)).toEqual(squares(50));
      expect(await pool.starmap(add, pairs, options)).toEqual(numbers(50).map((x) => 3 * x));
    }
    expect(await pool.map(squareLater, new Set(numbers(20)), { chunksize: 3 })).toEqual(squares(20));
    expect(await pool.mapAsync(square, numbers(20).values())).toEqual(squares(20));
    expect(await pool.starmapAsync(add, pairs)).toEqual(numbers(50).map((x) => 3 * x));
    expect(pool.mapSync(square, numbers(20))).toEqual(squares(20));
    expect(pool.starmapSync(add, pairs)).toEqual(numbers(50).map((x) => 3 * x));
    expect(await pool.map(echo, 'text')).toEqual(['t', 'e', 'x', 't']);
    expect(await pool.map(square, [])).toEqual([]);
    expect(await pool.starmap(add, [], { chunksize: 1 })).toEqual([]);
  });

  test('inputs that throw, are no list, or cannot travel fail the call, and nothing is called', async () => {
    await using pool = new Pool(1);
    function* broken(): Generator<number> {
      yield 1;
      throw new RangeError('no more');
    }
    await expect(pool.map(square, broken())).rejects.toThrow(new RangeError('no more'));
    await expect(pool.map(square, 7 as never)).rejects.toThrow(TypeError);
    await expect(pool.starmap(add, [1] as never)).rejects.toThrow(/item 0 must be a list/);
    await expect(pool.apply(echo, [() => 1])).rejects.toThrow(NotTransferableError);
    await expect(pool.map(echo, [1, 2, () => 1])).rejects.toThrow(NotTransferableError);
    expect(() => pool.applyAsync(echo, 'x' as never)).toThrow(/args must be an array/);
    expect(pool.stats()).toMatchObject({ queued: 0, running: 0, completed: 0 });
    expect(await pool.apply(square, [2])).toBe(4);
  });

  test('D17: a chunksize of 0 is a RangeError, and so are other numbers that make no sense', async () => {
    await using pool = new Pool(1);
    for (const chunksize of [0, -1, 1.5, NaN])
      await expect(pool.map(square, [1], { chunksize })).rejects.toThrow(RangeError);
    expect(() => pool.imap(square, [1], { chunksize: 0 })).toThrow(RangeError);
    expect(() => pool.imap(square, [1], { bufferSize: 0 })).toThrow(RangeError);
    await expect(pool.apply(square, [1], { timeout: 0 })).rejects.toThrow(RangeError);
    await expect(pool.apply(square, [1], { retries: -1 })).rejects.toThrow(RangeError);
    await expect(pool.apply(square, [1], { key: {} as never })).rejects.toThrow(TypeError);
    await expect(pool.apply(square, [1], { signal: {} as never })).rejects.toThrow(TypeError);
    await expect(pool.apply(square, [1], { callback: 1 as never })).rejects.toThrow(TypeError);
  });

  test('options of the pool are checked before anything is started', () => {
    for (const options of [0, -1, 1.5, 1023, { maxTasksPerChild: 0 }, { maxMemoryPerChild: 0 }, { taskTimeout: 0 }])
      expect(() => new Pool(options)).toThrow(RangeError);
    for (const options of ['2', { processes: '2' }, { initializer: 1 }, { initargs: 1 }] as never[])
      expect(() => new Pool(options)).toThrow(TypeError);
    expect(() => new Pool({ initializer: () => 1 })).toThrow(NotTransferableError);
    expect(() => new Pool({ initializer: prepare, initargs: [() => 1] })).toThrow(NotTransferableError);
    expect(activeChildren()).toEqual([]);
  });

  test('the default is one worker for each processor', async () => {
    await using pool = new Pool();
    expect(pool.stats().workers).toHaveLength(usableCpuCount());
    expect(String(pool)).toBe(`<Pool processes=${usableCpuCount()} running>`);
  });

  test('D40: closures are refused at the call', async () => {
    await using pool = new Pool(1);
    const factor = 2;
    expect(() => pool.applyAsync((x: number) => x * factor, [1])).toThrow(NotTransferableError);
    expect(() =>
      pool.applyAsync(function named() {
        return 1;
      }),
    ).toThrow(/'named' has no address/);
    await expect(pool.map((x: number) => x * factor, [1])).rejects.toThrow(/task\(import\.meta/);
    await expect(pool.apply({ module, name: 'missing' })).rejects.toThrow(/has no function 'missing'/);
  });

  test('only its own process uses a pool; workers cannot have one', async () => {
    await using pool = new Pool(1);
    expect(() => pool.applyAsync(echo, [pool])).toThrow(NotTransferableError);
    await expect(pool.apply(fail, ['pool'])).rejects.toThrow(/a daemon cannot have children/);
    expect(await pool.apply(square, [3])).toBe(9);
  });

  test('instances of a class that only the module of the task registers', async () => {
    await using pool = new Pool(1);
    for (let round = 0; round < 2; round++) {
      const result = await pool.apply(warmer, [new Temperature(20)]);
      expect(result).toBeInstanceOf(Temperature);
      expect(result.degrees).toBe(21);
    }
    expect(await pool.map(warmer, [new Temperature(1)])).toEqual([new Temperature(2)]);
  });

  test('32 MiB in and out, and 300 values that fill the rings', async () => {
    await using pool = new Pool(2);
    const bytes = Buffer.alloc(32 * 2 ** 20, 'payload');
    const back = (await pool.apply(echo, [bytes])) as Buffer;
    expect(digest(back)).toBe(digest(bytes));
    const results = numbers(300).map((value) => pool.applyAsync(bytesOf, [20_000, value % 256]));
    for (const [value, result] of (await Promise.all(results)).entries())
      expect(result.equals(Buffer.alloc(20_000, value % 256))).toBe(true);
  });

  test('a call inside a getter of an argument is another call', async () => {
    await using pool = new Pool(1);
    let inner: AsyncResult | undefined;
    const argument = {
      get text(): string {
        inner ??= pool.applyAsync(echo, ['inner']);
        return 'outer';
      },
    };
    const outer = pool.applyAsync(echo, [argument]);
    expect(await outer.get({ timeout: 200_000 })).toEqual({ text: 'outer' });
    expect(await inner?.get({ timeout: 200_000 })).toBe('inner');
  });

  test('calls with the same key go to the same worker', async () => {
    await using pool = new Pool(3);
    const byKey = new Map<number, Set<number>>();
    const calls = numbers(60).map(async (index) => {
      const key = index % 6;
      const pid = await pool.apply(pidOf, [index], { key });
      byKey.set(key, (byKey.get(key) ?? new Set()).add(pid));
    });
    await Promise.all(calls);
    expect([...byKey.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(new Set([...byKey.values()].flatMap((pids) => [...pids])).size).toBeGreaterThan(1);
  });

  test('concurrency: one worker works on several tasks that wait', async () => {
    await using pool = new Pool({ processes: 1, concurrency: 4 });
    const [started, gate] = [new Queue<number>(), new Event()];
    const results = numbers(6).map((index) => pool.applyAsync(waitFor, [started, gate, index]));
    const pids = new Set(await Promise.all(numbers(4).map(() => started.get())));
    expect(pids.size).toBe(1);
    expect(pool.stats()).toMatchObject({ running: 4, queued: 2 });
    expect(started.empty()).toBe(true);
    gate.set();
    expect(await Promise.all(results)).toEqual(numbers(6));
    for (const object of [started, gate]) object.close();
  });

  test('progress and figures', async () => {
    await using pool = new Pool(2);
    const seen: unknown[] = [];
    await pool.map(square, numbers(10), { chunksize: 5, onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([
      { done: 5, total: 10 },
      { done: 10, total: 10 },
    ]);
    await expect(pool.apply(fail, ['custom'])).rejects.toThrow('it failed');
    const stats = pool.stats();
    expect(stats).toMatchObject({ queued: 0, running: 0, completed: 2, failed: 1, started: 2 });
    expect(stats.workers.reduce((sum, { jobs }) => sum + jobs, 0)).toBe(3);
    expect(stats.runTime.count).toBe(3);
    expect(stats.waitTime.max).toBeGreaterThanOrEqual(stats.waitTime.p50);
  });
});

describe('errors of tasks', () => {
  test('arrive with class, code, properties, cause and their stack', async () => {
    await using pool = new Pool(1);
    const custom = await pool.apply(fail, ['custom']).catch((error: unknown) => error);
    expect(custom).toMatchObject({ name: 'CustomError', message: 'it failed', code: 'E_CUSTOM', detail: 42 });
    expect((custom as { remoteStack: string }).remoteStack).toContain('pool-tasks.mjs');
    await expect(pool.apply(fail, ['cause'])).rejects.toMatchObject({
      name: 'RangeError',
      cause: expect.objectContaining({ name: 'TypeError', message: 'inner' }) as unknown,
    });
    await expect(pool.apply(fail, ['rejection'])).rejects.toThrow(new TypeError('rejected'));
    const text = await pool.apply(fail, ['text']).catch((error: unknown) => error);
    expect(text).toBeInstanceOf(RemoteError);
    expect(text).toMatchObject({ cause: 'no error at all' });
    await expect(pool.apply(fail, ['nothing'])).rejects.toThrow(RemoteError);
  });

  test('D9: an error whose constructor needs arguments, or that cannot travel, arrives with name and message', async () => {
    await using pool = new Pool(1);
    await expect(pool.apply(fail, ['demanding'])).rejects.toMatchObject({
      name: 'Demanding',
      message: 'NEEDS ARGUMENTS',
    });
    await expect(pool.apply(fail, ['untransferable'])).rejects.toThrow('Error: has a function');
    expect(await pool.apply(square, [4])).toBe(16);
  });

  test('values that cannot travel are errors of their task and cost no worker', async () => {
    await using pool = new Pool(2);
    for (let round = 0; round < 20; round++) {
      await expect(pool.apply(fail, ['function as value'])).rejects.toThrow(NotTransferableError);
      await expect(pool.apply(fail, ['promise of a function'])).rejects.toThrow(NotTransferableError);
    }
    await expect(pool.apply(fail, ['bad getter'])).rejects.toThrow('from the getter');
    expect(pool.stats().started).toBe(2);
  });

  test('map waits for all, also when one has failed, and fails with what failed first', async () => {
    await using pool = new Pool(2);
    const seen: unknown[] = [];
    const results = pool.map(squareUnless, numbers(28), { chunksize: 4, onProgress: ({ done }) => seen.push(done) });
    await expect(results).rejects.toThrow(/^not \d+$|Cannot send/);
    expect(seen.at(-1)).toBe(28);
    // Of CPython's tests: large errors do not fill anything up.
    const large = pool.starmapAsync(
      failAtLength,
      numbers(20).map((index): [number, number] => [index, 2 ** 20]),
    );
    await expect(large.get()).rejects.toThrow(/^\d+ x{1048576}$/);
    expect(await pool.map(square, numbers(5))).toEqual(squares(5));
  });
});

describe('AsyncResult', () => {
  test('get, wait, ready, successful, and again', async () => {
    await using pool = new Pool(1);
    const [started, gate] = [new Queue<number>(), new Event()];
    const result = pool.applyAsync(waitFor, [started, gate, 'value']);
    await started.get();
    expect(result.ready()).toBe(false);
    expect(() => result.successful()).toThrow(StateError);
    expect(await result.wait({ timeout: 10 })).toBe(false);
    expect(result.waitSync({ timeout: 10 })).toBe(false);
    await expect(result.get({ timeout: 10 })).rejects.toThrow(TimeoutError);
    expect(() => result.getSync({ timeout: 10 })).toThrow(TimeoutError);
    await expect(result.get({ signal: AbortSignal.abort('reason') })).rejects.toBe('reason');
    gate.set();
    expect(result.getSync()).toBe('value');
    expect([await result, await result.get(), result.getSync()]).toEqual(['value', 'value', 'value']);
    expect([result.ready(), result.successful(), await result.wait()]).toEqual([true, true, true]);
    const failed = pool.applyAsync(fail, ['custom']);
    expect(failed.waitSync()).toBe(true);
    expect(failed.successful()).toBe(false);
    await expect(failed).rejects.toThrow('it failed');
    expect(() => failed.getSync()).toThrow('it failed');
    for (const object of [started, gate]) object.close();
  });

  test('callbacks come before whoever waits goes on', async () => {
    await using pool = new Pool(1);
    const seen: unknown[] = [];
    await pool.apply(square, [3], { callback: (value) => seen.push(value) }).then(() => seen.push('then'));
    await pool.map(square, [1, 2], { callback: (values) => seen.push(values) });
    const errorCallback = (error: unknown): unknown => seen.push((error as Error).message);
    await pool.apply(fail, ['custom'], { errorCallback }).catch(() => seen.push('caught'));
    expect(seen).toEqual([9, 'then', [1, 4], 'it failed', 'caught']);
  });

  test('a callback may use the pool, blocking or not', async () => {
    await using pool = new Pool(2);
    const nested = await new Promise((resolve, reject) => {
      pool.applyAsync(square, [3], {
        callback: (value) => {
          expect(pool.applySync(square, [value])).toBe(81);
          pool.apply(square, [9]).then(resolve, reject);
        },
      });
    });
    expect(nested).toBe(81);
    await until('all is done', () => pool.stats().running === 0);
  });
});

test('a task of the test itself has an address only where its module can be imported', async () => {
  await using pool = new Pool(1);
  const missing = task('file:///nowhere/module.mjs', function missing() {
    return 1;
  });
  await expect(pool.apply(missing)).rejects.toThrow(/there is no module/);
});
