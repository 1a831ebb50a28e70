import { inspect } from 'node:util';
import * as multiproc from 'multiproc';
import {
  attach,
  ClosedError,
  ExistsError,
  KindError,
  Lock,
  NotFoundError,
  RLock,
  SharedArray,
  StateError,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

const plainArrays = [
  ['b', Int8Array],
  ['B', Uint8Array],
  ['h', Int16Array],
  ['H', Uint16Array],
  ['i', Int32Array],
  ['I', Uint32Array],
  ['f', Float32Array],
  ['d', Float64Array],
  ['q', BigInt64Array],
  ['Q', BigUint64Array],
  ['l', BigInt64Array],
  ['L', BigUint64Array],
  ['c', Uint8Array],
  ['u', Uint32Array],
] as const;

describe('SharedArray', () => {
  test('is exported as Array too', () => {
    expect(multiproc.Array).toBe(SharedArray);
  });

  test.each(plainArrays)('%s is a typed array of its type', (type, Plain) => {
    using array = new SharedArray(type, 3);
    expect(array).toBeInstanceOf(Plain);
    expect(array).toBeInstanceOf(SharedArray);
    expect(array.length).toBe(3);
    expect(array.byteLength).toBe(3 * Plain.BYTES_PER_ELEMENT);
    expect([...(array as Iterable<unknown>)].every((element) => element === 0 || element === 0n)).toBe(true);
  });

  test('takes items from lists, iterables and typed arrays', () => {
    using fromList = new SharedArray('i', [1, 2, -3]);
    using fromIterable = new SharedArray('d', new Set([0.5, 1.5]));
    using fromTyped = new SharedArray('h', Int32Array.of(1, 65_537));
    using fromSame = new SharedArray('h', Int16Array.of(5, 6, 7).subarray(1));
    using fromBig = new SharedArray('q', [1n, 2, -3n]);
    using fromArrayLike = new SharedArray('B', { length: 2, 0: 1, 1: 257 });
    expect([...fromList]).toEqual([1, 2, -3]);
    expect([...fromIterable]).toEqual([0.5, 1.5]);
    expect([...fromTyped]).toEqual([1, 1]);
    expect([...fromSame]).toEqual([6, 7]);
    expect([...fromBig]).toEqual([1n, 2n, -3n]);
    expect([...fromArrayLike]).toEqual([1, 1]);
  });

  test('refuses items that do not fit: TypeError', () => {
    for (const wrong of [1.5, 'x', null, undefined, {}, 1n]) {
      expect(() => new SharedArray('i', [1, wrong as number]), inspect(wrong)).toThrow(TypeError);
    }
    expect(() => new SharedArray('i', 'abc' as never)).toThrow(TypeError);
    expect(() => new SharedArray('i', null as never)).toThrow(TypeError);
    expect(() => new SharedArray('i', undefined as never)).toThrow(TypeError);
    expect(() => new SharedArray('d', ['1'] as never)).toThrow(TypeError);
    expect(() => new SharedArray('z' as 'i', 1)).toThrow(TypeError);
  });

  test('refuses bad sizes: RangeError', () => {
    for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 60])
      expect(() => new SharedArray('i', wrong), String(wrong)).toThrow(RangeError);
  });

  test('may be empty', () => {
    using array = new SharedArray('i', 0);
    using again = attach<SharedArray<'i'>>(array.handle);
    using none = new SharedArray('d', []);
    expect([array.length, again.length, none.length]).toEqual([0, 0, 0]);
  });

  test('slice() copies, subarray() is live, at() counts from the end', () => {
    using array = new SharedArray('i', [1, 2, 3, 4]);
    const copy = array.slice(1, 3);
    const view = array.subarray(1, 3);
    array[1] = 20;
    expect([...copy]).toEqual([2, 3]);
    expect([...view]).toEqual([20, 3]);
    expect(copy).not.toBeInstanceOf(SharedArray);
    expect(view).not.toBeInstanceOf(SharedArray);
    expect(copy.buffer).not.toBe(array.buffer);
    view[0] = 7;
    expect(array[1]).toBe(7);
    expect(array.at(-1)).toBe(4);
    expect(array.map((element) => element * 2)).toEqual(Int32Array.of(2, 14, 6, 8));
    expect(Atomics.add(array, 0, 5)).toBe(1);
    expect(array[0]).toBe(6);
  });

  test('assigning converts as any typed array does', () => {
    using array = new SharedArray('i', 2);
    array[0] = 1.9;
    array[1] = 2 ** 31;
    expect([...array]).toEqual([1, -(2 ** 31)]);
    array[0] = -(array.at(1) ?? 0);
    array[1] = -0;
    expect(Object.is(array[1], 0)).toBe(true);
  });

  test('its own properties are its elements; JSON gets its handle', () => {
    using array = new SharedArray('i', [1, 2]);
    expect(Object.keys(array)).toEqual(['0', '1']);
    expect(JSON.parse(JSON.stringify({ array }))).toEqual({ array: { handle: array.handle } });
    expect(inspect(array)).toBe('SharedInt32Array(2) [ 1, 2 ]');
    expect(String(array)).toBe('1,2');
  });

  test('c arrays have value and raw', () => {
    using text = new SharedArray('c', Buffer.from('hello\0x'));
    expect(text.value.toString()).toBe('hello');
    expect(text.raw).toEqual(Buffer.from('hello\0x'));
    text.value = Buffer.from('hi');
    expect(text.raw).toEqual(Buffer.from('hi\0lo\0x'));
    text.raw = 'HE';
    expect(text.raw).toEqual(Buffer.from('HE\0lo\0x'));
    text.value = '1234567';
    expect(text.value.toString()).toBe('1234567');
    expect(() => (text.value = '12345678')).toThrow(RangeError);
    expect(() => (text.raw = 5 as never)).toThrow(TypeError);
    using utf8 = new SharedArray('c', 'ä');
    for (const closed of [new SharedArray('c', 'gone'), new SharedArray('u', 'gone')]) {
      closed.close();
      expect(() => closed.value).toThrow(ClosedError);
      expect(() => {
        closed.value = 'new';
      }).toThrow(ClosedError);
    }
    expect(utf8.length).toBe(2);
    using attached = attach<SharedArray<'c'>>(text.handle);
    expect(attached.value.toString()).toBe('1234567');
  });

  test('u arrays have a text value', () => {
    using text = new SharedArray('u', 'a😀b');
    expect(text.length).toBe(3);
    expect(text.value).toBe('a😀b');
    text.value = 'é';
    expect(text.value).toBe('é');
    expect(text[2]).toBe(98);
    expect(() => (text.value = 'long')).toThrow(RangeError);
    expect(() => (text.value = 5 as never)).toThrow(TypeError);
  });

  test('the lock is an RLock by default, none with false, or the one that was passed in', () => {
    using byDefault = new SharedArray('i', 1);
    using without = new SharedArray('i', 1, { lock: false });
    using lock = new Lock();
    using given = new SharedArray('i', 1, { lock });
    expect(byDefault.getLock()).toBeInstanceOf(RLock);
    expect(() => without.getLock()).toThrow(StateError);
    expect(given.getLock()).toBe(lock);
    expect(() => new SharedArray('i', 1, { lock: {} as never })).toThrow(TypeError);
  });

  test('after close() everything but the elements throws ClosedError', () => {
    const array = new SharedArray('i', [1, 2]);
    array.close();
    array.close();
    expect(array.closed).toBe(true);
    expect(() => array.getLock()).toThrow(ClosedError);
    expect(() => array.getObj()).toThrow(ClosedError);
    expect(() => array.unlink()).toThrow(ClosedError);
    expect([...array]).toEqual([1, 2]);
    expect(inspect(array)).toContain('closed');
  });

  test('names: open() attaches, new refuses a taken name, openOrCreate() does what is needed', () => {
    const name = `array-${process.pid}`;
    expect(() => SharedArray.open(name)).toThrow(NotFoundError);
    using array = new SharedArray('i', [1, 2], { name });
    using same = SharedArray.openOrCreate(name, 'i', 5);
    expect([...same]).toEqual([1, 2]);
    expect(() => SharedArray.openOrCreate(name, 'd', 2)).toThrow(KindError);
    expect(() => new SharedArray('i', 1, { name })).toThrow(ExistsError);
    using opened = SharedArray.open<'i'>(name);
    expect([...opened]).toEqual([1, 2]);
    opened[0] = 9;
    expect(array[0]).toBe(9);
    expect(array.unlink()).toBe(true);
  });

  test('two handles to one array give one memory', () => {
    using array = new SharedArray('i', [1]);
    using again = attach<SharedArray<'i'>>(array);
    expect(again).toBeInstanceOf(SharedArray);
    expect(again.buffer).toBe(array.buffer);
    again.close();
    expect(array.closed).toBe(false);
    expect(array.getObj()[0]).toBe(1);
  });

  test('a large array has a segment of its own', async () => {
    using array = new SharedArray('d', 1_000_000);
    array[999_999] = 0.25;
    const agent = new Agent();
    expect(await agent.call(array, 'at', -1)).toBe(0.25);
    await agent.end();
  });

  test('prefix sums in a child are seen here', async () => {
    using array = new SharedArray('i', [680, 626, 934, 821, 150, 233, 548, 982, 714, 831]);
    const expected = [...array].map((_, index, all) => all.slice(0, index + 1).reduce((a, b) => a + b));
    const child = startChild('prefix-sums.mjs', { args: [array.handle] });
    expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
    expect([...array]).toEqual(expected);
  });
});
