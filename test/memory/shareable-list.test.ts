import { inspect } from 'node:util';
import { attach, ClosedError, ExistsError, ShareableList } from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';

expectNoLeftovers();

const items = [
  0,
  -0,
  1.5,
  NaN,
  Infinity,
  Number.MAX_SAFE_INTEGER,
  -1e308,
  0n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  true,
  false,
  null,
  '',
  'text',
  'trailing\0\0',
  'ünï😀',
  '\ud800 alone',
  Buffer.from('a\0b\0\0'),
  Buffer.alloc(0),
];

describe('ShareableList', () => {
  test('keeps every value exactly', () => {
    using list = new ShareableList(items);
    using again = ShareableList.open(list.name);
    expect(again.length).toBe(items.length);
    items.forEach((item, index) => {
      expect(Object.is(again.get(index), item) || again.get(index), inspect(item)).toEqual(
        Buffer.isBuffer(item) ? item : true,
      );
    });
    expect([...again]).toEqual(items);
    expect(Object.is(again.get(1), -0)).toBe(true);
  });

  test('set() changes value and type within the storage of the place', () => {
    using list = new ShareableList<string | number | null | bigint | boolean>(['12345678', 1, null]);
    list.set(0, 'short');
    list.set(1, 'eightchr');
    list.set(2, 5n);
    expect([...list]).toEqual(['short', 'eightchr', 5n]);
    list.set(-1, true);
    expect(list.get(-1)).toBe(true);
    expect(() => {
      list.set(0, '123456789');
    }).toThrow(RangeError);
    expect(() => {
      list.set(1, 'äöüßé');
    }).toThrow(RangeError);
    expect([...list]).toEqual(['short', 'eightchr', true]);
  });

  test('refuses what it cannot hold', () => {
    expect(() => new ShareableList([{}] as never)).toThrow(TypeError);
    expect(() => new ShareableList([undefined] as never)).toThrow(TypeError);
    expect(() => new ShareableList([2n ** 63n])).toThrow(RangeError);
    expect(() => new ShareableList(5 as never)).toThrow(TypeError);
    using list = new ShareableList([1]);
    expect(() => {
      list.set(0, [] as never);
    }).toThrow(TypeError);
    expect(() => list.get(1)).toThrow(RangeError);
    expect(() => list.get(-2)).toThrow(RangeError);
    expect(() => list.get(0.5)).toThrow(RangeError);
    expect(() => list.get('0' as never)).toThrow(TypeError);
    expect(list.get(0)).toBe(1);
  });

  test('count() and index()', () => {
    using list = new ShareableList<number | string | Buffer>([1, 'a', 1, NaN, Buffer.from('x'), 'a']);
    expect(list.count(1)).toBe(2);
    expect(list.count(NaN)).toBe(1);
    expect(list.count(Buffer.from('x'))).toBe(1);
    expect(list.count('b')).toBe(0);
    expect(list.index('a')).toBe(1);
    expect(list.index('a', 2)).toBe(5);
    expect(list.index('a', -1)).toBe(5);
    expect(list.index('z')).toBe(-1);
  });

  test('may be empty', () => {
    using list = new ShareableList([]);
    expect([...list]).toEqual([]);
    expect(() => list.get(0)).toThrow(RangeError);
  });

  test('names, handles, close', () => {
    const name = `list-${process.pid}`;
    const list = ShareableList.openOrCreate(name, [1, 2]);
    expect(() => new ShareableList([1], { name })).toThrow(ExistsError);
    using same = ShareableList.openOrCreate(name, [3]);
    expect([...same]).toEqual([1, 2]);
    using attached = attach<ShareableList>(list.handle);
    attached.set(0, 7);
    expect(list.get(0)).toBe(7);
    expect(String(list)).toBe(`<ShareableList '${name}' [ 7, 2 ]>`);
    list.close();
    expect(() => list.get(0)).toThrow(ClosedError);
    expect(() => {
      list.set(0, 1);
    }).toThrow(ClosedError);
    expect(() => [...list]).toThrow(ClosedError);
    expect(String(list)).toBe('<ShareableList closed>');
  });

  test('is seen by other processes', async () => {
    using list = new ShareableList<number | string>([1, 'abc']);
    const agent = new Agent();
    expect(await agent.call(list, 'get', 1)).toBe('abc');
    await agent.call(list, 'set', 0, 5);
    expect(list.get(0)).toBe(5);
    await agent.end();
  });
});
