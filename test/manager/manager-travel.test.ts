/**
 * Proxies on every route, and values on their way to the manager and back.
 */
import {
  attach,
  type BaseProxy,
  Manager,
  type ManagedValue,
  NotFoundError,
  NotTransferableError,
  Pipe,
  Pool,
  Process,
  Queue,
  registerClass,
  SyncManager,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { type Counter, makeCounter, useAll, useAllFrom, useAllOf } from '../fixtures/manager-tasks.mjs';
import { Agent } from '../support/agent.js';
import { type AllKinds, registerCounter, withAllKinds } from '../support/all-kinds.js';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

/** Known to this process, and not to a manager. */
class OnlyHere {
  readonly a = 1;
}
registerClass('OnlyHere', OnlyHere);

const found = { job: 'work', place: 0, sum: 8, squares: [4, 9], count: 42, items: ['main', 'child'] };

/** What `useAll` leaves. */
async function expectUsed(all: AllKinds): Promise<void> {
  expect(await all.list.value()).toEqual(['main', 'child']);
  expect(await all.dict.value()).toEqual({ main: 0, child: 1 });
  expect(await all.set.value()).toEqual(new Set(['main', 'child']));
  expect(await all.namespace.value()).toEqual({ x: 2, y: 10 });
  expect(await all.queue.get({ timeout: 0 })).toEqual(['answer', 'for the child']);
  expect(await all.jobs.join({ timeout: 0 })).toBe(true);
  for (const lock of [all.lock, all.rlock, all.condition]) expect(await lock.locked()).toBe(false);
  expect(await all.semaphore.getValue()).toBe(1);
  expect(await all.bounded.getValue()).toBe(2);
  expect(await all.event.isSet()).toBe(true);
  expect(await all.barrier.nWaiting()).toBe(0);
  expect(await all.value.get()).toBe(8);
  expect(await all.array.value()).toEqual([5, 1, 2]);
  expect(String(all.counter)).toBe('Counter(42)');
}

describe('every kind is used by another process that got it', () => {
  type Go = (all: AllKinds, results: Queue, manager: SyncManager) => Promise<void>;
  const routes: Record<string, Go> = {
    async arguments(all, results) {
      const child = new Process({ target: useAllOf, args: [all, results] });
      child.start();
      expect(await child.join()).toBe(0);
    },
    async 'a queue'(all, results) {
      using queue = new Queue<AllKinds>();
      const child = new Process({ target: useAllFrom, args: [queue, results] });
      child.start();
      queue.putSync(all);
      expect(await child.join()).toBe(0);
    },
    async 'a pipe'(all, results) {
      const [here, there] = Pipe<AllKinds>();
      const child = new Process({ target: useAllFrom, args: [there, results] });
      child.start();
      there.close();
      await here.send(all);
      expect(await child.join()).toBe(0);
      here.close();
    },
    async 'a pool task'(all, results) {
      await using pool = new Pool(1);
      results.putSync(await pool.apply(useAllOf, [all]));
    },
    async 'an item of the manager itself'(all, results, manager) {
      using queue = await manager.Queue<AllKinds>();
      const child = new Process({ target: useAllFrom, args: [queue, results] });
      child.start();
      await queue.put(all);
      expect(await child.join()).toBe(0);
    },
  };

  test.each(Object.keys(routes))('as %s', async (name) => {
    await using manager = new SyncManager();
    registerCounter(manager);
    await manager.start();
    using results = new Queue();
    await withAllKinds(manager, async (all) => {
      await routes[name]?.(all, results, manager);
      expect(await results.get()).toEqual(found);
      await expectUsed(all);
    });
  });

  test('as handles by process.send', async () => {
    await using manager = new SyncManager();
    registerCounter(manager);
    await manager.start();
    const agent = new Agent({ serialization: 'json' });
    await withAllKinds(manager, async (all) => {
      for (const key of ['lock', 'rlock', 'semaphore', 'bounded', 'condition'] as const) {
        await agent.call(all[key].handle, 'acquire');
        await agent.call(all[key].handle, 'release');
      }
      await agent.call(all.list.handle, 'append', 'child');
      expect(await agent.call(all.list.handle, 'value')).toEqual(['main', 'child']);
      expect(await agent.call(all.counter.handle, 'add', 2)).toBe(42);
      expect(await agent.call(all.value.handle, 'add', 1)).toBe(8);
    });
    await agent.end();
  });

  test('in this process, attached again', async () => {
    await using manager = new SyncManager();
    manager.register<Counter>('Counter', { factory: makeCounter });
    await manager.start();
    await withAllKinds(manager, async (all) => {
      const again = Object.fromEntries(Object.entries(all).map(([key, { handle }]) => [key, attach(handle)]));
      expect(await useAll(again)).toEqual(found);
      await expectUsed(all);
      for (const each of Object.values(again)) (each as BaseProxy)[Symbol.dispose]();
    });
  });
});

describe('values', () => {
  /** Something that code can be made of, which the codec keeps as it is. */
  const rich = {
    map: new Map<unknown, unknown>([[1, new Set(['a'])]]),
    date: new Date(5),
    big: 2n ** 70n,
    bytes: Buffer.from('bytes'),
    zero: -0,
    nothing: undefined,
    error: new RangeError('a message', { cause: 'a cause' }),
    numbers: new Float64Array([1, NaN]),
  };

  test('keep their meaning there and back', async () => {
    await using manager = await Manager();
    using value: ManagedValue = await manager.Value('i', 0);
    await value.set(rich);
    const back = (await value.get()) as typeof rich;
    expect(back).toEqual(rich);
    expect(Object.is(back.zero, -0)).toBe(true);
    const circle: unknown[] = [1];
    circle.push(circle);
    await value.set(circle);
    const round = (await value.get()) as unknown[];
    expect(round[1]).toBe(round);
  });

  test('are copied at the call', async () => {
    await using manager = await Manager();
    using queue = await manager.Queue<{ n: number }>();
    const item = { n: 0 };
    const puts: Promise<void>[] = [];
    // More than there is room for on the way.
    const padding = 'x'.repeat(10_000);
    for (; item.n < 500; item.n++) puts.push(queue.put(Object.assign(item, { padding })));
    await Promise.all(puts);
    for (let n = 0; n < 500; n++) expect((await queue.get()).n).toBe(n);
  });

  test('results are copies: what is got is changed by setting it', async () => {
    await using manager = await Manager();
    using dict = await manager.dict<string, { n: number }>({ a: { n: 1 } });
    const got = await dict.get('a');
    if (got !== undefined) got.n = 2;
    expect(await dict.get('a')).toEqual({ n: 1 });
    await dict.set('a', { n: 2 });
    expect(await dict.get('a')).toEqual({ n: 2 });
  });

  test('of 32 MiB arrive whole, several at a time', async () => {
    await using manager = await Manager();
    using list = await manager.list<Buffer>();
    const large = Buffer.alloc(32 * 1024 * 1024);
    for (let at = 0; at < large.length; at += 4) large.writeUInt32LE((at * 2654435761) >>> 0, at);
    await Promise.all([list.append(large), list.append(large)]);
    const [first, second] = await Promise.all([list.at(0), list.pop()]);
    expect(first?.equals(large) === true && second.equals(large)).toBe(true);
    expect(await list.length()).toBe(1);
  });

  test('that cannot travel are refused at the call, and later calls are not disturbed', async () => {
    await using manager = await Manager();
    using list = await manager.list();
    const before = list.append(1);
    const bad = list.append(() => 1);
    const after = list.append(2);
    await expect(bad).rejects.toThrow(NotTransferableError);
    await Promise.all([before, after]);
    expect(await list.value()).toEqual([1, 2]);
    await expect(manager.list([Symbol('s')])).rejects.toThrow(NotTransferableError);
  });

  test('of a class that is not registered in the manager are refused there', async () => {
    await using manager = await Manager();
    using list = await manager.list();
    await expect(list.append(new OnlyHere())).rejects.toThrow(/OnlyHere/);
    expect(await list.length()).toBe(0);
  });

  test('refuses objects that are gone', async () => {
    await using manager = await Manager();
    const list = await manager.list();
    const { handle } = list;
    list.close();
    expect((await manager.stats()).objects).toBe(0);
    expect(() => attach(handle)).toThrow(NotFoundError);
    expect(() => attach('multiproc:proxy:nonsense')).toThrow(TypeError);
  });
});

test('ten thousand calls may be under way, and are done in order', async () => {
  await using manager = await Manager();
  using list = await manager.list<number>();
  using value = await manager.Value('i', 0);
  const calls: Promise<unknown>[] = [];
  for (let n = 0; n < 10_000; n++) calls.push(n % 2 === 0 ? list.append(n) : value.add(1));
  const sums = (await Promise.all(calls)).filter((sum) => sum !== undefined);
  expect(sums).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
  expect(await list.value()).toEqual(Array.from({ length: 5000 }, (_, index) => index * 2));
});

test('answers that are larger than all room on the way come, too, however late they are read', async () => {
  await using manager = await Manager();
  using list = await manager.list(['x'.repeat(100_000)]);
  using queue = await manager.Queue<number>();
  const answers = Array.from({ length: 200 }, () => list.value());
  const later = queue.get();
  // The manager goes on for others meanwhile.
  const agent = new Agent();
  await agent.call(queue.handle, 'put', 5);
  expect(await later).toBe(5);
  for (const answer of answers) expect((await answer)[0]?.length).toBe(100_000);
  await agent.end();
});
