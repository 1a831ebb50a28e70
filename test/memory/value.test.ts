import { inspect } from 'node:util';
import {
  attach,
  ClosedError,
  ExistsError,
  KindError,
  Lock,
  NotFoundError,
  RLock,
  StateError,
  struct,
  TimeoutError,
  Value,
} from 'multiproc';
import { describe, expect, test } from 'vitest';
import { Agent } from '../support/agent.js';
import { expectNoLeftovers } from '../support/leftovers.js';
import { startChild } from '../support/run-child.js';

expectNoLeftovers();

const limits = [
  ['b', 'int8', -128, 127],
  ['B', 'uint8', 0, 255],
  ['h', 'int16', -32_768, 32_767],
  ['H', 'uint16', 0, 65_535],
  ['i', 'int32', -2_147_483_648, 2_147_483_647],
  ['I', 'uint32', 0, 4_294_967_295],
] as const;

const bigLimits = [
  ['q', 'int64', -(2n ** 63n), 2n ** 63n - 1n],
  ['l', 'long', -(2n ** 63n), 2n ** 63n - 1n],
  ['Q', 'uint64', 0n, 2n ** 64n - 1n],
  ['L', 'ulong', 0n, 2n ** 64n - 1n],
] as const;

describe('Value types', () => {
  test.each(limits)('%s (%s) keeps its limits and wraps around behind them', (letter, name, least, most) => {
    using value = new Value(letter, least);
    using named = new Value(name, most);
    expect(value.value).toBe(least);
    expect(named.value).toBe(most);
    value.value = most + 1;
    expect(value.value).toBe(least);
    named.value = least - 1;
    expect(named.value).toBe(most);
    expect(named.add(1)).toBe(most);
    expect(named.value).toBe(least);
    expect(named.sub(1)).toBe(least);
    expect(named.value).toBe(most);
  });

  test.each(bigLimits)(
    '%s (%s) holds bigints, keeps its limits and wraps around behind them',
    (letter, name, least, most) => {
      using value = new Value(letter, least);
      using named = new Value(name, most);
      expect(value.value).toBe(least);
      expect(named.value).toBe(most);
      value.value = most + 1n;
      expect(value.value).toBe(least);
      expect(named.add(1n)).toBe(most);
      expect(named.value).toBe(least);
      named.value = 12;
      expect(named.value).toBe(12n);
      expect(named.add(3)).toBe(12n);
      expect(named.value).toBe(15n);
      expect(() => (named.value = 2 ** 53)).toThrow(RangeError);
    },
  );

  test('f and d hold floats, f with single precision', () => {
    using single = new Value('f', 0.1);
    using double = new Value('float64', 0.1);
    expect(single.value).toBe(Math.fround(0.1));
    expect(double.value).toBe(0.1);
    for (const special of [NaN, Infinity, -Infinity, -0, Number.MIN_VALUE, Number.MAX_VALUE]) {
      double.value = special;
      expect(double.value).toBe(special);
    }
  });

  test('c holds one byte, u one character', () => {
    using byte = new Value('c');
    expect(byte.value).toEqual(Buffer.from([0]));
    byte.value = Buffer.from('x');
    expect(byte.value).toEqual(Buffer.from('x'));
    byte.value = 255;
    expect(byte.exchange(7)).toEqual(Buffer.from([255]));
    expect(byte.compareExchange(7, Buffer.from('y'))).toBe(true);
    expect(byte.value.toString()).toBe('y');
    using character = new Value('u', 'ä');
    expect(character.value).toBe('ä');
    character.value = '😀';
    expect(character.exchange('\ud800')).toBe('😀');
    expect(character.value).toBe('\ud800');
    expect(() => (character.value = 'ab')).toThrow(TypeError);
    expect(() => (byte.value = Buffer.from('ab'))).toThrow(TypeError);
    expect(() => byte.add(1)).toThrow(TypeError);
    expect(() => character.sub('a')).toThrow(TypeError);
  });

  test('a new Value is zero', () => {
    using integer = new Value('i');
    using float = new Value('d', null);
    using big = new Value('q', undefined);
    expect([integer.value, float.value, big.value]).toEqual([0, 0, 0n]);
  });

  test('writes what does not fit nowhere: TypeError', () => {
    using integer = new Value('i', 7);
    using float = new Value('d', 7);
    using big = new Value('q', 7n);
    for (const wrong of [1.5, '1', null, undefined, {}, 1n, NaN, Infinity, true]) {
      expect(() => (integer.value = wrong as number), inspect(wrong)).toThrow(TypeError);
      expect(() => integer.add(wrong as number), inspect(wrong)).toThrow(TypeError);
      expect(() => integer.compareExchange(7, wrong as number), inspect(wrong)).toThrow(TypeError);
    }
    for (const wrong of ['1', null, undefined, {}, 1n, true]) {
      expect(() => (float.value = wrong as number), inspect(wrong)).toThrow(TypeError);
      expect(() => float.exchange(wrong as number), inspect(wrong)).toThrow(TypeError);
    }
    for (const wrong of [1.5, '1', null, undefined, {}, true])
      expect(() => (big.value = wrong as bigint), inspect(wrong)).toThrow(TypeError);
    expect(() => (integer.value = 1.5)).toThrow(expect.objectContaining({ code: 'ERR_MULTIPROC_ARGUMENT' }));
    expect([integer.value, float.value, big.value]).toEqual([7, 7, 7n]);
  });

  test('refuses unknown types, bad initial values and bad options, and makes nothing', () => {
    expect(() => new Value('x' as 'i')).toThrow(TypeError);
    expect(() => new Value(undefined as unknown as 'i')).toThrow(TypeError);
    expect(() => new Value('i', 1.5)).toThrow(TypeError);
    expect(() => new Value('i', 0, { lock: 1 as unknown as boolean })).toThrow(TypeError);
    expect(() => new Value('i', 0, { name: 'a/b' })).toThrow(RangeError);
    expect(() => new Value('i', 0, { name: 5 as unknown as string })).toThrow(TypeError);
  });
});

describe('Value operations', () => {
  test('add() and sub() return the value before', () => {
    using value = new Value('i', 10);
    expect(value.add(5)).toBe(10);
    expect(value.sub(20)).toBe(15);
    expect(value.value).toBe(-5);
  });

  test('exchange() and compareExchange() tell what was there', () => {
    using value = new Value('B', 10);
    expect(value.exchange(300)).toBe(10);
    expect(value.value).toBe(44);
    expect(value.compareExchange(45, 1)).toBe(false);
    expect(value.compareExchange(300, 1)).toBe(true);
    expect(value.value).toBe(1);
  });

  test.each(['f', 'd'] as const)('%s: the operations are those of integers', (type) => {
    using value = new Value(type, 1.5);
    expect(value.add(2)).toBe(1.5);
    expect(value.sub(0.5)).toBe(3.5);
    expect(value.exchange(NaN)).toBe(3);
    expect(value.compareExchange(1, 2)).toBe(false);
    expect(value.compareExchange(NaN, -0)).toBe(true);
    expect(value.compareExchange(0, 9)).toBe(true);
    expect(value.value).toBe(9);
  });

  test('update() runs under the lock and returns the new value', async () => {
    using value = new Value('i', 1);
    const lock = value.getLock();
    expect(
      await value.update((old) => {
        expect(lock.locked()).toBe(true);
        return old + 1;
      }),
    ).toBe(2);
    expect(await value.update((old) => Promise.resolve(old * 10))).toBe(20);
    expect(value.updateSync((old) => old + 1)).toBe(21);
    expect(lock.locked()).toBe(false);
  });

  test('update() whose function throws, or returns what does not fit, leaves the value and frees the lock', async () => {
    using value = new Value('i', 3);
    await expect(value.update(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(value.update(() => 1.5)).rejects.toThrow(TypeError);
    await expect(value.update('x' as never)).rejects.toThrow(TypeError);
    expect(() =>
      value.updateSync(() => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(value.value).toBe(3);
    expect(value.getLock().locked()).toBe(false);
  });

  test('concurrent update() calls lose nothing', async () => {
    using value = new Value('i', 0);
    await Promise.all(
      Array.from({ length: 50 }, () =>
        value.update(async (old) => {
          await new Promise(setImmediate);
          return old + 1;
        }),
      ),
    );
    expect(value.value).toBe(50);
  });

  test('update() gives up when the lock is not free in time', async () => {
    using lock = new Lock();
    using value = new Value('i', 0, { lock });
    lock.acquireSync();
    await expect(value.update((old) => old + 1, { timeout: 1 })).rejects.toThrow(TimeoutError);
    expect(() => value.updateSync((old) => old + 1, { timeout: 1 })).toThrow(TimeoutError);
    lock.release();
    expect(value.value).toBe(0);
  });
});

describe('Value locks', () => {
  test('the lock is an RLock by default, none with false, or the one that was passed in', () => {
    using byDefault = new Value('i');
    using without = new Value('i', 0, { lock: false });
    using lock = new Lock();
    using given = new Value('i', 0, { lock });
    expect(byDefault.getLock()).toBeInstanceOf(RLock);
    expect(() => without.getLock()).toThrow(StateError);
    expect(() => without.updateSync((old) => old)).toThrow(StateError);
    expect(given.getLock()).toBe(lock);
  });

  test('the lock outlives what the user does with the one passed in', () => {
    const lock = new Lock();
    using value = new Value('i', 0, { lock });
    lock.close();
    expect(value.updateSync((old) => old + 1)).toBe(1);
    using again = attach<Value<number>>(value.handle);
    expect(again.updateSync((old) => old + 1)).toBe(2);
  });

  test('two attachments share one lock', () => {
    using value = new Value('i');
    using again = attach<Value<number>>(value.handle);
    value.getLock().acquireSync();
    expect(again.getLock().locked()).toBe(true);
    value.getLock().release();
  });
});

describe('Value lifetime', () => {
  test('is an instance of Value, with its handle as only own enumerable property', () => {
    using value = new Value('i', 4);
    expect(value).toBeInstanceOf(Value);
    expect(value.constructor).toBe(Value);
    expect(Object.keys(value)).toEqual(['handle']);
    expect(JSON.parse(JSON.stringify(value))).toEqual({ handle: value.handle });
    expect(inspect(value)).toBe('<Value int32 4>');
    expect(value.toString()).toBe('<Value int32 4>');
  });

  test('after close() every operation throws ClosedError, of any type', () => {
    for (const type of ['b', 'B', 'h', 'H', 'i', 'I', 'f', 'd', 'c', 'u', 'q', 'Q'] as const) {
      const value = new Value(type) as Value;
      const kept = attach<Value>(value.handle);
      value.close();
      value.close();
      expect(value.closed).toBe(true);
      expect(() => value.value, type).toThrow(ClosedError);
      expect(() => (value.value = 1), type).toThrow(ClosedError);
      expect(() => value.add(1), type).toThrow(ClosedError);
      expect(() => value.sub(1), type).toThrow(ClosedError);
      expect(() => value.exchange(1), type).toThrow(ClosedError);
      expect(() => value.compareExchange(1, 1), type).toThrow(ClosedError);
      expect(() => value.getLock(), type).toThrow(ClosedError);
      expect(() => value.getObj(), type).toThrow(ClosedError);
      expect(() => value.updateSync((old) => old), type).toThrow(ClosedError);
      expect(() => value.unlink(), type).toThrow(ClosedError);
      expect(inspect(value)).toBe('<Value closed>');
      expect(kept.closed).toBe(false);
      expect(() => kept.value).not.toThrow();
      kept.close();
    }
  });

  test('close() ends an update that waits for the lock, and nothing else', async () => {
    using lock = new Lock();
    const options = { lock };
    for (const value of [new Value('i', 1, options), new Value(struct({ x: 'i' }), { x: 1 }, options)] as Value[]) {
      using other = attach<Value>(value);
      lock.acquireSync();
      const ended = value.update((old) => old);
      const elsewhere = other.update((old) => old);
      value.close();
      await expect(ended).rejects.toThrow(ClosedError);
      lock.release();
      expect(await elsewhere).toEqual(inspect(other).includes('struct') ? { x: 1 } : 1);
    }
  });

  test('getObj() is the memory itself, and stays usable after close()', () => {
    const value = new Value('i', 1);
    const cell = value.getObj();
    cell.value += 1;
    expect(value.value).toBe(2);
    value.close();
    expect(cell.value).toBe(2);
  });

  test('names: open() attaches, new refuses a taken name, openOrCreate() does what is needed', () => {
    const name = `value-${process.pid}`;
    expect(() => Value.open(name)).toThrow(NotFoundError);
    using value = new Value('d', 1.5, { name });
    expect(() => new Value('d', 0, { name })).toThrow(ExistsError);
    using opened = Value.open(name);
    expect(opened.value).toBe(1.5);
    using same = Value.openOrCreate(name, 'd', 9);
    expect(same.add(1)).toBe(1.5);
    expect(() => Value.openOrCreate(name, 'f')).toThrow(KindError);
    expect(() => Value.openOrCreate(name, struct({ x: 'd' }))).toThrow(KindError);
    expect(() => Value.openOrCreate(name, 'nonsense' as 'd')).toThrow(TypeError);
    expect(value.value).toBe(2.5);
    expect(value.unlink()).toBe(true);
    expect(opened.unlink()).toBe(false);
    using fresh = Value.openOrCreate(name, 'd', 9);
    expect(fresh.value).toBe(9);
    expect(value.value).toBe(2.5);
  });

  test('a handle to a Value that is gone gives NotFoundError', () => {
    const value = new Value('i');
    const { handle } = value;
    value.close();
    expect(() => attach(handle)).toThrow(NotFoundError);
  });
});

describe('Value between processes', () => {
  test('both see what the other writes, and atomic operations lose nothing', async () => {
    using integer = new Value('i', 5);
    using float = new Value('d', 0.5);
    using big = new Value('q', 5n);
    const agent = new Agent();
    expect(await agent.get(integer, 'value')).toBe(5);
    expect(await agent.call(integer, 'add', 3)).toBe(5);
    expect(await agent.call(float, 'add', 1)).toBe(0.5);
    expect(await agent.call(big, 'add', 1n)).toBe(5n);
    expect([integer.value, float.value, big.value]).toEqual([8, 1.5, 6n]);
    await agent.end();
  });

  test.each(['i', 'q', 'f', 'd', 'H'] as const)(
    '%s: add() from several processes at once loses nothing',
    async (type) => {
      using value = new Value(type);
      const workers = [1, 2, 3].map(() => startChild('add-often.mjs', { args: [value.handle, '20000'] }));
      for (const worker of workers) expect(await worker.exit).toMatchObject({ code: 0, stderr: '' });
      expect(Number(value.value)).toBe(60_000);
    },
  );

  test('a loop that only reads sees a write of another process', async () => {
    using value = new Value('i', 0);
    const child = startChild('read-until-set.mjs', { args: [value.handle] });
    // The child has looped long enough to run optimised code when it says so.
    expect(await child.message()).toBe('looping');
    value.value = 1;
    expect(await child.exit).toMatchObject({ code: 0, stderr: '' });
  });

  test('the lock of a Value whose holder was killed goes to the next', async () => {
    using value = new Value('i', 1);
    const child = startChild('die-in-update.mjs', { args: [value.handle] });
    expect((await child.exit).signal).toBe('SIGKILL');
    expect(value.updateSync((old) => old + 1)).toBe(2);
  });

  test('a Value survives the process that made it', async () => {
    const agent = startChild('make-value.mjs');
    const handle = (await agent.message()) as string;
    using value = attach<Value<number>>(handle);
    agent.send('end');
    expect((await agent.exit).code).toBe(0);
    expect(value.add(1)).toBe(42);
    expect(value.updateSync((old) => old + 1)).toBe(44);
  });
});
