/**
 * Lists, dicts, sets, namespaces, values and arrays of a manager: every method, with bad arguments too, and what is nested.
 */
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  attach,
  type BaseProxy,
  Manager,
  type ManagedDict,
  type ManagedList,
  type ManagedNamespace,
  NotFoundError,
  type SyncManager,
} from 'multiproc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

const argument = { code: 'ERR_MULTIPROC_ARGUMENT' };

/** What an async iterable gives. */
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('of one manager', () => {
  let manager: SyncManager;
  beforeAll(async () => {
    manager = await Manager();
  });
  afterAll(async () => {
    await manager.shutdown();
  });

  test('list: every method', async () => {
    using list: ManagedList = await manager.list([1, 2]);
    await list.append(3);
    await list.extend(new Set([4, 5]));
    await list.insert(0, 0);
    await list.insert(-1, 4.5);
    expect(await list.value()).toEqual([0, 1, 2, 3, 4, 4.5, 5]);
    expect([await list.pop(), await list.pop(0), await list.pop(-1)]).toEqual([5, 0, 4.5]);
    await list.set(-1, { deep: [1] });
    expect(await list.index({ deep: [1] })).toBe(3);
    expect(await list.index(2, 1)).toBe(1);
    expect(await list.index(2, -3, -2)).toBe(1);
    await expect(list.index(1, 1)).rejects.toThrow(NotFoundError);
    expect(await list.count({ deep: [1] })).toBe(1);
    await list.remove({ deep: [1] });
    await expect(list.remove('absent')).rejects.toThrow("Cannot find 'absent' in list: it is not there");
    await list.reverse();
    expect(await list.slice(0, 2)).toEqual([3, 2]);
    expect(await list.slice(-1)).toEqual([1]);
    await list.sort();
    expect(await list.slice()).toEqual([1, 2, 3]);
    await list.sort({ reverse: true });
    expect([await list.at(0), await list.at(-1), await list.at(3)]).toEqual([3, 1, undefined]);
    expect(await list.length()).toBe(3);
    await list.clear();
    expect(await list.value()).toEqual([]);
    expect(String(list)).toBe('[]');
  });

  test('list: bad arguments change nothing', async () => {
    using list: ManagedList = await manager.list([2, 'a', 1]);
    await expect(list.set(3, 0)).rejects.toMatchObject({ name: 'RangeError', ...argument });
    await expect(list.pop(-4)).rejects.toThrow(RangeError);
    await expect(list.pop('x' as never)).rejects.toMatchObject({ name: 'TypeError', ...argument });
    await expect(list.at(undefined as never)).rejects.toThrow(TypeError);
    await expect(list.insert(0.5, 1)).rejects.toThrow(TypeError);
    await expect(list.sort()).rejects.toThrow(TypeError);
    await expect(list.extend(5 as never)).rejects.toThrow(TypeError);
    expect(await list.value()).toEqual([2, 'a', 1]);
    await expect(manager.list(5 as never)).rejects.toThrow(TypeError);
    using empty = await manager.list();
    await expect(empty.pop()).rejects.toThrow('there is no place -1, it has 0 items');
  });

  test('list: iteration sees what changes meanwhile', async () => {
    using list: ManagedList = await manager.list([1, undefined, 3]);
    const seen: unknown[] = [];
    for await (const item of list) {
      seen.push(item);
      if (item === 1) await list.append('late');
      if (item === 3) await list.set(-1, 'later');
    }
    expect(seen).toEqual([1, undefined, 3, 'later']);
  });

  test('dict: every method', async () => {
    using dict = await manager.dict<string | number>({ a: 1 });
    await dict.set('b', 2);
    expect([await dict.get('a'), await dict.get('z'), await dict.get('z', 5)]).toEqual([1, undefined, 5]);
    expect([await dict.has('b'), await dict.has('z')]).toEqual([true, false]);
    expect([await dict.delete('a'), await dict.delete('a')]).toEqual([true, false]);
    expect(await dict.pop('b')).toBe(2);
    expect(await dict.pop('b', 'none')).toBe('none');
    expect(await dict.pop('b', undefined)).toBeUndefined();
    await expect(dict.pop('b')).rejects.toThrow(NotFoundError);
    await expect(dict.popitem()).rejects.toThrow(NotFoundError);
    expect([await dict.setdefault('c', 3), await dict.setdefault('c', 4)]).toEqual([3, 3]);
    await dict.update([['d', 4]]);
    await dict.update(new Map([['e', 5]]));
    await dict.update({ f: 6 });
    expect(await dict.popitem()).toEqual(['f', 6]);
    expect(await dict.keys()).toEqual(['c', 'd', 'e']);
    expect(await dict.values()).toEqual([3, 4, 5]);
    expect(await dict.entries()).toEqual([
      ['c', 3],
      ['d', 4],
      ['e', 5],
    ]);
    expect(await dict.copy()).toEqual({ c: 3, d: 4, e: 5 });
    await dict.set(1, 'number');
    expect(await dict.value()).toBeInstanceOf(Map);
    expect(await dict.size()).toBe(4);
    expect(await all(dict)).toEqual(await dict.entries());
    await dict.clear();
    expect(await dict.size()).toBe(0);
  });

  test('dict: keys are compared by value; what is no key is refused, and nothing is changed', async () => {
    using dict = await manager.dict<never>();
    for (const key of ['text', 1, NaN, 2n, true, null] as never[]) {
      await dict.set(key, String(key));
      expect(await dict.get(key)).toBe(String(key));
    }
    for (const key of [{}, [], undefined, new Date()] as never[]) {
      await expect(dict.set(key, 1)).rejects.toMatchObject({ name: 'TypeError', ...argument });
      await expect(dict.get(key)).rejects.toThrow(TypeError);
    }
    await expect(
      dict.update([
        ['x', 1],
        [{}, 2],
      ] as never),
    ).rejects.toThrow(TypeError);
    expect(await dict.size()).toBe(6);
    await dict.clear();
    for (const key of ['__proto__', 'constructor', 'toString'] as never[]) await dict.set(key, 'own');
    expect(Object.entries(await dict.value())).toEqual([
      ['__proto__', 'own'],
      ['constructor', 'own'],
      ['toString', 'own'],
    ]);
  });

  test('dict: iteration while it changes gives the entries as they were at its first step', async () => {
    using dict = await manager.dict({ a: 1, b: 2 });
    const seen: string[] = [];
    for await (const [key] of dict) {
      seen.push(key);
      await dict.delete('b');
      await dict.set(`${key}${key}`, 3);
    }
    expect(seen).toEqual(['a', 'b']);
  });

  test('set: every method', async () => {
    using set = await manager.set<string>(['a', 'b', 'a']);
    await set.add('c');
    expect([await set.has('c'), await set.has('z')]).toEqual([true, false]);
    expect([await set.delete('a'), await set.delete('a')]).toEqual([true, false]);
    await set.update(['d', 'd']);
    expect(await set.size()).toBe(3);
    expect(await all(set)).toEqual(['b', 'c', 'd']);
    expect(['b', 'c', 'd']).toContain(await set.pop());
    await expect(set.add({} as never)).rejects.toMatchObject({ name: 'TypeError', ...argument });
    await expect(set.update(['x', []] as never)).rejects.toThrow(TypeError);
    expect(await set.value()).toEqual(new Set(['c', 'd']));
    expect(String(set)).toBe(inspect(new Set(['c', 'd'])));
    await set.clear();
    await expect(set.pop()).rejects.toThrow(NotFoundError);
  });

  test('Namespace: attributes, and no others', async () => {
    using space: ManagedNamespace = await manager.Namespace({ x: 1, y: 10 });
    expect(String(space)).toBe('Namespace(x=1, y=10)');
    await space.set('x', 6);
    expect([await space.get('x'), await space.get('get')]).toEqual([6, undefined]);
    expect([await space.delete('y'), await space.delete('y')]).toEqual([true, false]);
    await expect(space.set(5 as never, 1)).rejects.toMatchObject({ name: 'TypeError', ...argument });
    expect(await space.value()).toEqual({ x: 6 });
  });

  test('Value: read, set, and changed in one step', async () => {
    using value = await manager.Value('i', 7);
    expect(await value.add(3)).toBe(10);
    expect([await value.compareExchange(9, 1), await value.compareExchange(10, 1)]).toEqual([false, true]);
    expect([await value.get(), await value.value()]).toEqual([1, 1]);
    await value.set('a text' as never);
    await expect(value.add(1)).rejects.toMatchObject({ name: 'TypeError', ...argument });
    expect(String(value)).toBe("Value('i', 'a text')");
    using big = await manager.Value('q', 2n ** 80n);
    expect(await big.add(1n)).toBe(2n ** 80n + 1n);
    await expect(big.add(1 as never)).rejects.toThrow(TypeError);
    await expect(manager.Value('zz' as never, 1)).rejects.toMatchObject({ name: 'TypeError', ...argument });
  });

  test('Array: elements of its type', async () => {
    using array = await manager.Array('i', [0, 1, 2]);
    await array.set(0, 5);
    await array.set(-1, 7);
    expect(await array.add(1, 10)).toBe(11);
    expect([await array.at(0), await array.at(-1), await array.at(3)]).toEqual([5, 7, undefined]);
    expect(await array.slice(1)).toEqual([11, 7]);
    expect(await array.length()).toBe(3);
    expect(await all(array)).toEqual([5, 11, 7]);
    expect(String(array)).toBe("array('i', [5, 11, 7])");
    await expect(array.set(3, 1)).rejects.toMatchObject({ name: 'RangeError', ...argument });
    await expect(array.set(0, 1.5)).rejects.toThrow(TypeError);
    await expect(array.set(0, 'x' as never)).rejects.toThrow(TypeError);
    await expect(array.add('x' as never, 1)).rejects.toThrow(TypeError);
    expect(await array.value()).toEqual([5, 11, 7]);
    using big = await manager.Array<bigint>('q', [1n]);
    expect(await big.add(-1, 2n)).toBe(3n);
    using zeros = await manager.Array('d', 3);
    expect(await zeros.value()).toEqual([0, 0, 0]);
    using bytes = await manager.Array('B', [255]);
    expect(await bytes.add(0, 1)).toBe(0);
    for (const length of [-1, 1.5, 2 ** 40]) await expect(manager.Array('i', length)).rejects.toThrow(RangeError);
    await expect(manager.Array('i', ['x'] as never)).rejects.toThrow(TypeError);
  });

  test('inspect says that it is a proxy, toString() shows the contents; neither throws', async () => {
    const list = await manager.list([1, [2]]);
    expect(inspect(list)).toMatch(/^<ListProxy typeid='list' id=\d+>$/);
    expect(String(list)).toBe('[ 1, [ 2 ] ]');
    expect(inspect({ list })).toContain('<ListProxy');
    list.close();
    expect([String(list), inspect(list)]).toEqual(['<ListProxy closed>', '<ListProxy closed>']);
    await expect(list.length()).rejects.toMatchObject({ code: 'ERR_MULTIPROC_CLOSED' });
  });

  test('callMethod() calls by name, what is not exposed or no name is refused', async () => {
    using list = (await manager.list([1])) as unknown as BaseProxy & ManagedList;
    expect(await list.callMethod('length')).toBe(1);
    expect(list.callMethodSync('slice', [0])).toEqual([1]);
    for (const name of ['constructor', '__proto__', 'text', 'dispose', 'nothing', 'placeOf'])
      await expect(list.callMethod(name)).rejects.toThrow(NotFoundError);
    for (const name of ['', 5, undefined, 'x'.repeat(300)]) {
      await expect(list.callMethod(name as never)).rejects.toMatchObject(argument);
      expect(() => list.callMethodSync(name as never)).toThrow(TypeError);
    }
    expect(await list.length()).toBe(1);
  });
});

describe('nested', () => {
  expectNoLeftovers();

  test('a proxy in a container stays one, and shows the changes of all', async () => {
    await using manager = await Manager();
    using inner = await manager.list([1]);
    using outer = await manager.list<ManagedList<number>>([inner]);
    await inner.append(2);
    using got = await outer.at(0);
    await got?.append(3);
    expect(await inner.value()).toEqual([1, 2, 3]);
    expect(String(outer)).toBe("[ <ListProxy typeid='list' id=1> ]");
  });

  test('a list may contain itself', async () => {
    await using manager = await Manager();
    using list: ManagedList = await manager.list(['a']);
    await list.append(list);
    using self = (await list.at(1)) as ManagedList;
    await self.append('b');
    expect(await list.length()).toBe(3);
    expect(String(list)).toContain('ListProxy');
  });

  test('an object lives as long as a container has it, whoever has let go of it', async () => {
    await using manager = await Manager();
    const outer = await manager.dict();
    const inner: ManagedDict = await manager.dict({ n: 1 });
    const innermost = await manager.list(['deep']);
    await inner.set('list', innermost);
    await outer.set('inner', { in: [inner] });
    inner.close();
    innermost.close();
    expect((await manager.stats()).objects).toBe(3);
    const { in: found } = (await outer.get('inner')) as { in: (typeof inner)[] };
    using list = (await found[0]?.get('list')) as ManagedList;
    expect(await list.value()).toEqual(['deep']);
    for (const each of found) each.close();
    list.close();
    outer.close();
    await until('all are gone', async () => (await manager.stats()).objects === 0);
  });

  test('what was taken out of a container, or replaced in it, is let go of', async () => {
    await using manager = await Manager();
    using queue = await manager.Queue<ManagedList>();
    using dict = await manager.dict();
    for (let n = 0; n < 20; n++) {
      const list = await manager.list([n]);
      await queue.put(list);
      await dict.set('last', list);
      list.close();
      const got = await queue.get();
      expect(await got.value()).toEqual([n]);
      got.close();
    }
    await until('the replaced ones are gone', async () => (await manager.stats()).objects === 3);
    expect((await manager.stats()).kinds).toEqual({ Queue: 1, dict: 1, list: 1 });
    using last = (await dict.get('last')) as ManagedList;
    expect(await last.value()).toEqual([19]);
  });

  test('proxies that are forgotten let go of their objects, and those in unread messages keep them', async () => {
    await using manager = await Manager();
    const { handle } = await manager.list([1]);
    await manager.Event();
    using kept = await manager.list([2]);
    const collect = exposedCollector();
    await until('the forgotten ones are gone', async () => {
      collect();
      return (await manager.stats()).objects === 1;
    });
    expect(() => attach(handle)).toThrow(NotFoundError);
    expect(await kept.value()).toEqual([2]);
  });
});

function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
