/**
 * Kinds of objects that a program adds to a manager.
 */
import { inspect } from 'node:util';
import {
  attach,
  BrokenPipeError,
  DeadlockError,
  ExistsError,
  type ManagedDict,
  type ManagedList,
  NotFoundError,
  NotTransferableError,
  type Remote,
  RemoteError,
  SyncManager,
  TimeoutError,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Counter, makeCounter, makeFive, makeLater } from '../fixtures/manager-tasks.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { machineNow } from '../support/machine-clock.js';
import { until } from '../support/until.js';

/** A manager that keeps counters, some of whose results stay in it. */
async function start(): Promise<SyncManager> {
  const manager = new SyncManager();
  manager.register<Counter>('Counter', {
    factory: makeCounter,
    methodToTypeid: { child: 'Narrow', childLater: 'Narrow', items: 'list', table: 'dict', noObject: 'Narrow' },
  });
  manager.register<Counter>('Narrow', { factory: makeCounter, exposed: ['add'] });
  manager.register('Five', { factory: makeFive });
  manager.register('Later', { factory: makeLater });
  await manager.start();
  return manager;
}

describe('of one manager', () => {
  let manager: SyncManager;
  let counter: Remote<Counter>;
  beforeAll(async () => {
    manager = await start();
    counter = await manager.create<Counter>('Counter', 5);
  });
  afterAll(async () => {
    counter.close();
    await manager.shutdown();
  });

  test('methods are called there, those that give promises are waited for', async () => {
    using own = await manager.create<Counter>('Counter', 1);
    expect(await own.add(2)).toBe(3);
    expect(await own.addLater(2)).toBe(5);
    expect(await own.callMethod('add', [1])).toBe(6);
    expect(own.callMethodSync('add', [1])).toBe(7);
    expect(own.callMethodSync('addLater', [1])).toBe(8);
    expect(String(own)).toBe('Counter(8)');
    expect(inspect(own)).toMatch(/^<RemoteObject typeid='Counter' id=\d+>$/);
    expect(await Promise.resolve(own)).toBe(own);
    expect(JSON.stringify({ own })).toContain(own.handle);
    using again = attach<Remote<Counter>>(own.handle);
    expect(await again.add(0)).toBe(8);
  });

  test('errors have the class and the code that they had there', async () => {
    for (const failing of [counter.add('x' as never), counter.failLater()])
      await expect(failing).rejects.toMatchObject({ name: 'CounterError', code: 'E_COUNTER' });
    expect(() => counter.callMethodSync('add', ['x'])).toThrow('x is no number');
    await expect(manager.create('Counter', -1)).rejects.toMatchObject({ name: 'CounterError', message: 'below zero' });
  });

  test('what cannot travel back says so, and the next call goes on', async () => {
    await expect(counter.giveFunction()).rejects.toThrow(NotTransferableError);
    await expect(counter.failOddly()).rejects.toThrow(RemoteError);
    // As anywhere: what is of an unknown class arrives as a plain object.
    expect(await counter.giveItself()).toEqual({ secret: 5 });
    expect(await counter.add(0)).toBe(5);
  });

  test('hidden and inherited names are no methods', async () => {
    for (const name of ['_hidden', 'secret', 'constructor', '__proto__', 'hasOwnProperty', 'nothing'])
      await expect(counter.callMethod(name)).rejects.toThrow(NotFoundError);
  });

  test('a factory must give an object, at once', async () => {
    await expect(manager.create('Five')).rejects.toThrow('Cannot make the object: its factory gave 5');
    await expect(manager.create('Later')).rejects.toThrow('must give it at once');
    await expect(manager.create('Unknown')).rejects.toThrow(NotFoundError);
    await expect(manager.create('AsyncResult')).rejects.toThrow(NotFoundError);
    await expect(manager.create(5 as never)).rejects.toThrow(NotFoundError);
  });

  test('results of some methods stay there: as objects of a kind', async () => {
    using child = (await counter.callMethod('child', [7])) as Remote<Counter>;
    expect(child.typeid).toBe('Narrow');
    expect(await child.add(1)).toBe(8);
    await expect(child.callMethod('addLater', [1])).rejects.toThrow("'Narrow' exposes no such method");
    using later = (await counter.callMethod('childLater', [1])) as Remote<Counter>;
    expect(await later.add(1)).toBe(2);
    using items = (await counter.callMethod('items')) as ManagedList<number>;
    await items.append(3);
    expect(await items.value()).toEqual([1, 2, 3]);
    using table = (await counter.callMethod('table')) as ManagedDict<string, number>;
    await table.set('b', 2);
    expect(await table.value()).toEqual({ a: 1, b: 2 });
    await expect(counter.noObject()).rejects.toThrow('has no methods');
  });

  test('a proxy is an argument that methods may use, without waiting for themselves', async () => {
    using list = await manager.list([1, 2]);
    expect(await counter.lengthOf(list)).toEqual(['function', 2]);
    await expect(counter.lengthSync(list)).rejects.toThrow(DeadlockError);
  });

  test('a method that never ends can be given up', async () => {
    const controller = new AbortController();
    const aborted = counter.callMethod('never', [], { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(counter.callMethod('never', [], { timeout: 10 })).rejects.toThrow(TimeoutError);
    expect(() => counter.callMethodSync('never', [], { timeout: 10 })).toThrow(TimeoutError);
    const again = attach<Remote<Counter>>(counter.handle);
    const closed = again.never();
    again.close();
    await expect(closed).rejects.toMatchObject({ code: 'ERR_MULTIPROC_CLOSED' });
  });
});

test('register() refuses what is no name, no task, or there already', () => {
  const manager = new SyncManager();
  const factory = makeCounter;
  for (const name of [5, '', 'a b', '1a', 'x'.repeat(65)])
    expect(() => manager.register(name as never, { factory })).toThrow(TypeError);
  for (const name of ['list', 'Pool', 'Queue']) expect(() => manager.register(name, { factory })).toThrow(ExistsError);
  for (const name of ['start', 'shutdown', 'stats', 'constructor'])
    expect(() => manager.register(name, { factory })).toThrow(TypeError);
  expect(() => manager.register('Closure', { factory: () => ({}) })).toThrow(NotTransferableError);
  expect(() => manager.register('Bad', { factory, exposed: [5] as never })).toThrow(TypeError);
  expect(() => manager.register('Lost', { factory: { module: 'file:///no/such.mjs', name: 'f' } })).toThrow(
    NotFoundError,
  );
});

describe('ends', () => {
  expectNoLeftovers();

  test('a result that stays there goes when its caller has closed it, or never got it', async () => {
    await using manager = await start();
    using counter = await manager.create<Counter>('Counter', 0);
    for (let n = 0; n < 10; n++) ((await counter.callMethod('child', [n])) as Remote<Counter>).close();
    expect((await manager.stats()).objects).toBe(1);
    for (let n = 0; n < 10; n++) {
      const again = attach<Remote<Counter>>(counter.handle);
      const child = again.callMethod('childLater', [n]);
      again.close();
      // Either way: it has come after all, or it was called off.
      await child.then(
        (proxy) => {
          (proxy as Remote<Counter>).close();
        },
        () => undefined,
      );
    }
    await until('all are gone', async () => (await manager.stats()).objects === 1);
  });

  test('a method that ends the process fails its own call and all others', async () => {
    await using manager = await start();
    using counter = await manager.create<Counter>('Counter', 0);
    const other = expect(counter.never()).rejects.toThrow(BrokenPipeError);
    await expect(counter.endProcess()).rejects.toThrow(BrokenPipeError);
    await other;
    expect(await manager.join()).toBe(true);
  });

  test('a manager whose method never gives its thread back is ended by shutdown() all the same', async () => {
    const manager = await start();
    using counter = await manager.create<Counter>('Counter', 0);
    const spinning = counter.spin();
    spinning.catch(() => undefined);
    const begin = machineNow();
    await manager.shutdown();
    expect(machineNow() - begin).toBeLessThan(10_000);
    await expect(spinning).rejects.toThrow(BrokenPipeError);
  });
});
