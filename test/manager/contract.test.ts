/** What managed objects do, whoever keeps them: the same tests for each engine. */
import {
  Empty,
  Full,
  Manager,
  type ManagedKey,
  type ManagedObjects,
  type ManagedSet,
  NotFoundError,
  NotTransferableError,
  OverReleaseError,
  OwnerError,
  Process,
  ShutDownError,
  StateError,
  TerminatedError,
  TimeoutError,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addOften, useAll, waitAtCondition } from '../fixtures/managed-tasks.mjs';
import { add, fail, failAtThree, square, waitFor } from '../fixtures/remote-tasks.mjs';
import { Workers } from '../support/redis-workers.js';
import { RedisServer } from '../support/redis.js';

interface Made extends ManagedObjects {
  set<T extends ManagedKey>(items?: Iterable<T>): Promise<ManagedSet<T>>;
  shutdown(): Promise<void>;
}

let server: RedisServer;
let workers: Workers;

beforeAll(async () => {
  server = await RedisServer.start();
  workers = new Workers({ engine: server.url, namespace: 'contract', args: ['--processes', '2'] });
});

afterAll(async () => {
  await workers.end();
  await server.end();
});

const engines: [string, () => Promise<Made>][] = [
  ['its own process', () => Manager()],
  ['Redis', () => Manager({ engine: server.url, namespace: 'contract' })],
];

describe.each(engines)('objects in %s', (_name, make) => {
  let manager: Made;

  beforeAll(async () => {
    manager = await make();
  });

  afterAll(async () => {
    await manager.shutdown();
  });

  test('a queue keeps order and kinds of values, and knows its size', async () => {
    const queue = await manager.Queue(4);
    const values = [undefined, new Map([[1, 2n]]), Buffer.from('x'), { a: [null, -0] }];
    for (const value of values) await queue.put(value);
    expect([await queue.qsize(), await queue.full(), await queue.empty()]).toEqual([4, true, false]);
    await expect(queue.putNowait(1)).rejects.toThrow(Full);
    await expect(queue.put(1, { timeout: 5 })).rejects.toThrow(Full);
    for (const value of values) expect(await queue.get()).toStrictEqual(value);
    await expect(queue.getNowait()).rejects.toThrow(Empty);
    await expect(queue.get({ timeout: 5 })).rejects.toThrow(Empty);
  });

  test('a queue waits: for an item, for room, and for no longer than it may', async () => {
    const queue = await manager.Queue<number>(1);
    const got = queue.get({ timeout: 200_000 });
    await queue.put(1);
    expect(await got).toBe(1);
    await queue.put(2);
    const putting = queue.put(3);
    expect(await queue.get()).toBe(2);
    await putting;
    expect(await queue.get()).toBe(3);
    const controller = new AbortController();
    const calledOff = queue.get({ signal: controller.signal });
    controller.abort(new Error('no more'));
    await expect(calledOff).rejects.toThrow('no more');
    await queue.put(4);
    expect(await queue.getNowait()).toBe(4);
  });

  test('batches, and a queue that is shut down', async () => {
    const queue = await manager.Queue<number>();
    expect(await queue.putMany(Array.from({ length: 1000 }, (_, index) => index))).toBe(1000);
    const got: number[] = [];
    while (got.length < 1000) got.push(...(await queue.getMany(300)));
    expect(got).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    await queue.put(1);
    await queue.shutdown();
    await expect(queue.put(2)).rejects.toThrow(ShutDownError);
    const rest = [];
    for await (const item of queue) rest.push(item);
    expect(rest).toEqual([1]);
    await expect(queue.get()).rejects.toThrow(ShutDownError);
  });

  test('a job that is given back comes again, before later ones, and join waits for all', async () => {
    const queue = await manager.JoinableQueue<string>();
    await queue.putMany(['a', 'b']);
    const first = await queue.take();
    expect([first.value, first.attempts]).toEqual(['a', 1]);
    await first.requeue();
    const again = await queue.take();
    expect([again.value, again.attempts]).toEqual(['a', 2]);
    await again.done();
    expect(await queue.unfinished()).toBe(1);
    expect(await queue.join({ timeout: 5 })).toBe(false);
    const joined = queue.join();
    expect(await queue.get()).toBe('b');
    await queue.taskDone();
    expect(await joined).toBe(true);
    await expect(queue.taskDone()).rejects.toThrow(OverReleaseError);
  });

  test('a lock excludes, and is free afterwards', async () => {
    const lock = await manager.Lock();
    expect(await lock.acquire()).toBe(true);
    expect([await lock.locked(), await lock.acquire({ timeout: 5 })]).toEqual([true, false]);
    await expect(lock.hold({ timeout: 5 })).rejects.toThrow(TimeoutError);
    const waiting = lock.acquire({ timeout: 200_000 });
    await lock.release();
    expect(await waiting).toBe(true);
    await lock.release();
    await expect(lock.release()).rejects.toThrow(OverReleaseError);
    const hold = await lock.hold();
    expect(hold.ownerDied).toBe(false);
    await hold.release();
    expect(await lock.run(() => 'done')).toBe('done');
    expect(await lock.locked()).toBe(false);
  });

  test('an RLock is taken again by its owner', async () => {
    const lock = await manager.RLock();
    expect([await lock.acquire(), await lock.acquire()]).toEqual([true, true]);
    await lock.release();
    expect(await lock.locked()).toBe(true);
    await lock.release();
    expect(await lock.locked()).toBe(false);
  });

  test('semaphores count, and one that is bounded does not grow', async () => {
    const semaphore = await manager.Semaphore(2);
    expect([await semaphore.acquire(), await semaphore.acquire(), await semaphore.acquire({ timeout: 0 })]).toEqual([
      true,
      true,
      false,
    ]);
    const waiting = semaphore.acquire();
    await semaphore.release();
    expect(await waiting).toBe(true);
    await semaphore.release(3);
    expect(await semaphore.getValue()).toBe(3);
    const bounded = await manager.BoundedSemaphore(1);
    await expect(bounded.release()).rejects.toThrow(OverReleaseError);
    expect(await bounded.run(async () => bounded.getValue())).toBe(0);
  });

  test('events and barriers let go on who waits', async () => {
    const event = await manager.Event();
    expect([await event.isSet(), await event.wait({ timeout: 5 })]).toEqual([false, false]);
    const waiting = event.wait();
    await event.set();
    expect([await waiting, await event.isSet(), await event.wait()]).toEqual([true, true, true]);
    await event.clear();
    expect(await event.isSet()).toBe(false);
    const barrier = await manager.Barrier(3);
    for (let round = 0; round < 3; round += 1) {
      const places = await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()]);
      expect(places.sort()).toEqual([0, 1, 2]);
    }
    await expect(barrier.wait({ timeout: 5 })).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_BARRIER' });
    expect(await barrier.broken()).toBe(true);
    await barrier.reset();
    expect([await barrier.broken(), await barrier.nWaiting(), await barrier.parties()]).toEqual([false, 0, 3]);
    await barrier.abort();
    await expect(barrier.wait()).rejects.toMatchObject({ code: 'ERR_MULTIPROC_BROKEN_BARRIER' });
  });

  test('who waits at a condition is let go by a notification, and has the lock then', async () => {
    const condition = await manager.Condition();
    const log = await manager.list<string>();
    await expect(condition.notify()).rejects.toThrow(OwnerError);
    await expect(condition.wait()).rejects.toThrow(OwnerError);
    await condition.run(async () => {
      expect(await condition.wait({ timeout: 5 })).toBe(false);
      expect(await condition.locked()).toBe(true);
    });
    const ready = await manager.Semaphore(0);
    const children = [1, 2, 3].map(() => new Process({ target: waitAtCondition, args: [condition, log, ready] }));
    for (const child of children) child.start();
    for (let child = 0; child < 3; child += 1) expect(await ready.acquire({ timeout: 200_000 })).toBe(true);
    await condition.run(() => condition.notify());
    expect(await ready.acquire({ timeout: 200_000 })).toBe(true);
    expect(await log.length()).toBe(1);
    await condition.run(() => condition.notifyAll());
    for (const child of children) expect(await child.join()).toBe(0);
    expect(await log.value()).toEqual(['alone', 'alone', 'alone']);
    expect(await condition.locked()).toBe(false);
  });

  test('two conditions share a lock; waitFor looks until it is so, or the time is over', async () => {
    const lock = await manager.Lock();
    const filled = await manager.Condition(lock);
    const emptied = await manager.Condition(lock);
    const value = await manager.Value('i', 0);
    const waiting = filled.run(() => filled.waitFor(async () => (await value.get()) === 2, { timeout: 200_000 }));
    for (let step = 0; step < 2; step += 1) {
      await emptied.run(async () => {
        expect(await lock.locked()).toBe(true);
        await value.add(1);
        await emptied.notifyAll();
        await filled.notifyAll();
      });
    }
    expect(await waiting).toBe(true);
    expect(await filled.run(() => filled.waitFor(() => false, { timeout: 5 }))).toBe(false);
    expect(await lock.locked()).toBe(false);
  });

  test('a wait at a condition that is called off takes no notification away', async () => {
    const condition = await manager.Condition(await manager.Lock());
    const controller = new AbortController();
    const calledOff = condition.run(() => condition.wait({ signal: controller.signal }));
    const patient = condition.run(() => condition.wait({ timeout: 200_000 }));
    await condition.run(() => undefined);
    controller.abort(new Error('enough'));
    await expect(calledOff).rejects.toThrow('enough');
    await condition.run(() => condition.notify());
    expect(await patient).toBe(true);
    expect(await condition.locked()).toBe(false);
  });

  test('a pool does tasks: one, many, with several arguments, and later', async () => {
    const pool = await manager.Pool(2);
    expect(await pool.apply(square, [3])).toBe(9);
    expect(await pool.map(square, [1, 2, 3])).toEqual([1, 4, 9]);
    expect(await pool.map(square, new Set([4]), { chunksize: 1 })).toEqual([16]);
    const many = Array.from({ length: 500 }, (_, index) => index);
    expect(await pool.map(square, many)).toEqual(many.map((x) => x * x));
    expect(await pool.map(square, [])).toEqual([]);
    const pairs: [number, number][] = [
      [1, 2],
      [3, 4],
    ];
    expect(await pool.starmap(add, pairs)).toEqual([3, 7]);
    const result = await pool.applyAsync(square, [5]);
    expect([await result.wait(), await result.get(), await result.ready(), await result.successful()]).toEqual([
      true,
      25,
      true,
      true,
    ]);
    expect(await Promise.all(many.slice(0, 50).map((x) => pool.apply(square, [x])))).toEqual(
      many.slice(0, 50).map((x) => x * x),
    );
    await pool.close();
    await expect(pool.apply(square, [1])).rejects.toThrow(StateError);
    await pool.join();
    pool[Symbol.dispose]();
  });

  test("a pool's errors are those of its tasks, with what they say, and of what cannot travel", async () => {
    const pool = await manager.Pool(1);
    await expect(pool.apply(fail, ['custom'])).rejects.toMatchObject({
      name: 'CustomError',
      message: 'it failed',
      code: 'E_CUSTOM',
      cause: { name: 'TypeError', message: 'inner' },
    });
    await expect(pool.apply(fail, ['text'])).rejects.toMatchObject({ cause: 'no error at all' });
    await expect(pool.apply(fail, ['value'])).rejects.toThrow(NotTransferableError);
    await expect(pool.map(failAtThree, [1, 2, 3, 4])).rejects.toThrow(RangeError);
    await expect(pool.apply(() => 1)).rejects.toThrow(NotTransferableError);
    await expect(pool.apply(square, [Symbol('x')])).rejects.toThrow(NotTransferableError);
    await expect(pool.map(square, 5 as never)).rejects.toThrow(TypeError);
    await expect(pool.apply(square, 5 as never)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_ARGUMENT' });
    await expect(manager.Pool(0)).rejects.toThrow(RangeError);
    const failed = await pool.applyAsync(fail, ['custom']);
    await expect(failed.get()).rejects.toMatchObject({ code: 'E_CUSTOM' });
    expect(await failed.successful()).toBe(false);
    await pool.terminate();
  });

  test('waits for results of a pool end with their time, their signal, and the pool', async () => {
    const pool = await manager.Pool(1);
    const started = await manager.Queue<number>();
    const gate = await manager.Event();
    const result = await pool.applyAsync(waitFor, [started, gate, 'done']);
    await started.get();
    expect([await result.ready(), await result.wait({ timeout: 5 })]).toEqual([false, false]);
    await expect(result.successful()).rejects.toThrow(StateError);
    await expect(result.get({ timeout: 5 })).rejects.toThrow(TimeoutError);
    const controller = new AbortController();
    const calledOff = pool.apply(waitFor, [started, gate], { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(calledOff).rejects.toThrow('enough');
    await gate.set();
    expect(await result.get()).toBe('done');
    await gate.clear();
    const pending = await pool.applyAsync(waitFor, [started, gate]);
    const waiting = pool.apply(waitFor, [started, gate]);
    await started.get();
    await Promise.all([expect(waiting).rejects.toThrow(TerminatedError), pool.terminate()]);
    await expect(pending.get()).rejects.toThrow(TerminatedError);
    await gate.set();
  });

  test('values are added to and exchanged in one step', async () => {
    const value = await manager.Value('d', 1.5);
    expect([await value.add(2), await value.get()]).toEqual([3.5, 3.5]);
    expect([await value.compareExchange(3, 4), await value.compareExchange(3.5, 4), await value.value()]).toEqual([
      false,
      true,
      4,
    ]);
    const big = await manager.Value('q', 2n ** 62n);
    expect(await big.add(-1n)).toBe(2n ** 62n - 1n);
  });

  test('a dict keeps the order of its keys', async () => {
    const dict = await manager.dict({ b: 1, a: [2] } as Record<string, unknown>);
    await dict.set('c', new Date(0));
    await dict.set('b', 'changed');
    expect([await dict.keys(), await dict.size(), await dict.has('c')]).toEqual([['b', 'a', 'c'], 3, true]);
    expect(await dict.value()).toEqual({ b: 'changed', a: [2], c: new Date(0) });
    expect([await dict.get('x'), await dict.get('x', 5), await dict.setdefault('a', 0)]).toEqual([undefined, 5, [2]]);
    expect([await dict.pop('a'), await dict.pop('a', 'none'), await dict.delete('a')]).toEqual([[2], 'none', false]);
    await expect(dict.pop('a')).rejects.toThrow(NotFoundError);
    expect(await dict.popitem()).toEqual(['c', new Date(0)]);
    await dict.update([['z', 1]]);
    const seen = [];
    for await (const entry of dict) seen.push(entry);
    expect(seen).toEqual([
      ['b', 'changed'],
      ['z', 1],
    ]);
    await dict.clear();
    expect(await dict.entries()).toEqual([]);
    const numbers = await manager.dict<number, string>([[1, 'one']]);
    expect(await numbers.value()).toEqual(new Map([[1, 'one']]));
  });

  test('a set has each member once', async () => {
    const set = await manager.set<string | number>(['a', 1, 'a']);
    await set.add(2);
    await set.update(['b', 1]);
    expect([await set.size(), await set.has(1), await set.has('1'), await set.delete('b')]).toEqual([
      4,
      true,
      false,
      true,
    ]);
    expect(await set.value()).toEqual(new Set(['a', 1, 2]));
    const popped = await set.pop();
    expect(await set.has(popped)).toBe(false);
    await set.clear();
    await expect(set.pop()).rejects.toThrow(NotFoundError);
  });

  test('an array has elements of one type', async () => {
    const array = await manager.Array('i', [5, 6, 7]);
    await array.set(-1, 2 ** 31);
    expect([await array.add(0, 3), await array.length(), await array.at(1), await array.at(3)]).toEqual([
      8,
      3,
      6,
      undefined,
    ]);
    expect([await array.value(), await array.slice(1)]).toEqual([
      [8, 6, -(2 ** 31)],
      [6, -(2 ** 31)],
    ]);
    await expect(array.set(3, 1)).rejects.toThrow(RangeError);
    await expect(array.set(0, 1.5)).rejects.toThrow(TypeError);
    expect(await (await manager.Array('q', 2)).value()).toEqual([0n, 0n]);
    expect(await (await manager.Array('d', 0)).value()).toEqual([]);
  });

  test('a namespace has attributes', async () => {
    const namespace = await manager.Namespace<{ x: number; y?: string }>({ x: 1 });
    await namespace.set('y', 'z');
    await namespace.set('x', (await namespace.get('x')) + 5);
    expect(await namespace.value()).toEqual({ x: 6, y: 'z' });
    expect([await namespace.delete('y'), await namespace.delete('y')]).toEqual([true, false]);
  });

  test('a list does what lists do', async () => {
    const list = await manager.list([3, 1] as unknown[]);
    await list.append(2);
    await list.extend([5, { a: 1 }]);
    expect([await list.length(), await list.at(-1), await list.at(9), await list.index(2)]).toEqual([
      5,
      { a: 1 },
      undefined,
      2,
    ]);
    await list.remove({ a: 1 });
    await expect(list.remove('no')).rejects.toThrow(NotFoundError);
    await list.sort();
    expect(await list.value()).toEqual([1, 2, 3, 5]);
    await list.reverse();
    await list.insert(1, 4);
    expect([await list.pop(), await list.pop(0), await list.slice(1)]).toEqual([1, 5, [3, 2]]);
    await expect(list.pop(9)).rejects.toThrow(RangeError);
    await list.set(0, 'first');
    await expect(list.set(9, 'no')).rejects.toThrow(RangeError);
    expect([await list.value(), await list.count(3)]).toEqual([['first', 3, 2], 1]);
    const seen = [];
    for await (const item of list) seen.push(item);
    expect(seen).toEqual(['first', 3, 2]);
    await list.clear();
    expect(await list.length()).toBe(0);
  });

  test('all of them travel to a child, and work there', async () => {
    const objects = {
      queue: await manager.Queue<{ from: string; queue: { qsize(): Promise<number> } }>(),
      list: await manager.list<string>(),
      dict: await manager.dict<string, number[]>(),
      namespace: await manager.Namespace({ x: 1 }),
      value: await manager.Value('i', 1),
      lock: await manager.Lock(),
      event: await manager.Event(),
      semaphore: await manager.Semaphore(1),
    };
    const child = new Process({ target: useAll, args: [objects] });
    child.start();
    expect(await objects.event.wait({ timeout: 200_000 })).toBe(true);
    expect(await child.join()).toBe(0);
    expect([await objects.list.value(), await objects.dict.value(), await objects.namespace.get('x')]).toEqual([
      ['from the child'],
      { child: [child.pid] },
      2,
    ]);
    expect([await objects.value.get(), await objects.semaphore.getValue()]).toEqual([6, 1]);
    const received = await objects.queue.get();
    expect(received.from).toBe('child');
    expect(await received.queue.qsize()).toBe(0);
  });

  test('three processes at once lose no step', async () => {
    const value = await manager.Value('i', 0);
    const lock = await manager.Lock();
    const dict = await manager.dict({ n: 0 });
    const children = [1, 2, 3].map(() => new Process({ target: addOften, args: [value, lock, dict, 50] }));
    for (const child of children) child.start();
    for (const child of children) expect(await child.join()).toBe(0);
    expect([await value.get(), await dict.get('n')]).toEqual([150, 150]);
  });
});
