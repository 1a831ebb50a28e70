/** What travels beyond structured clone: Buffers, errors, registered classes, shared objects, proxies. */
import { types } from 'node:util';
import { runInNewContext } from 'node:vm';

import { afterEach, describe, expect, it } from 'vitest';

import * as errors from '../../lib/errors.js';
import { registerClass } from '../../lib/internal/codec/registered-classes.js';
import { setSharedObjectHooks, type SharedView } from '../../lib/internal/codec/shared-objects.js';
import { encoder, message, roundTrip } from './support.js';

describe('Buffers', () => {
  it('stay Buffers and carry only their own bytes', () => {
    const pooled = Buffer.from('secret neighbour').subarray(0, 6);
    const sent = { first: pooled, again: pooled };
    const got = roundTrip(sent);
    expect(Buffer.isBuffer(got.first)).toBe(true);
    expect(got.first.toString()).toBe('secret');
    expect(got.again).toBe(got.first);
    expect(message(sent).includes('neighbour')).toBe(false);
  });
});

describe('errors', () => {
  it('of a built-in class keep class, message, stack, code, cause and own properties', () => {
    const cause = new RangeError('inner');
    const error = Object.assign(new TypeError('outer', { cause }), { code: 'ERR_X', detail: { a: [1] } });
    const got = roundTrip(error);
    expect(got).toBeInstanceOf(TypeError);
    expect(types.isNativeError(got)).toBe(true);
    expect(got.message).toBe('outer');
    expect(got.stack).toBe(error.stack);
    expect(got.code).toBe('ERR_X');
    expect(got.detail).toEqual({ a: [1] });
    expect(got.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(got)).toEqual(['code', 'detail']);
    expect(Object.hasOwn(got, 'name')).toBe(false);
  });

  it('of another realm become those of this one', () => {
    const got = roundTrip(
      runInNewContext('class Odd extends RangeError {}; [new TypeError("x"), new Odd("y")]') as Error[],
    );
    expect(got[0]).toBeInstanceOf(TypeError);
    expect(got[1]).toBeInstanceOf(RangeError);
    expect(got.map((error) => error.message)).toEqual(['x', 'y']);
  });

  it('of an AggregateError keep their errors', () => {
    const got = roundTrip(new AggregateError([new SyntaxError('s'), 1], 'both'));
    expect(got).toBeInstanceOf(AggregateError);
    expect(got.errors[0]).toBeInstanceOf(SyntaxError);
    expect(got.errors[1]).toBe(1);
  });

  it('of a class of the program arrive as the nearest built-in, with the name', () => {
    class OddInputError extends RangeError {
      readonly limit = 3;
    }
    const got = roundTrip(new OddInputError('odd'));
    expect(Object.getPrototypeOf(got)).toBe(RangeError.prototype);
    expect(got.name).toBe('OddInputError');
    expect(got.limit).toBe(3);
  });

  it('with a name of their own keep it', () => {
    const error = new Error('x');
    error.name = 'Custom';
    expect(roundTrip(error).name).toBe('Custom');
  });

  it('whose constructor needs arguments arrive without running it', () => {
    class NeedsArguments extends Error {
      constructor(parts: { text: string }) {
        super(parts.text.toUpperCase());
      }
    }
    expect(roundTrip(new NeedsArguments({ text: 'a' })).message).toBe('A');
  });

  it('that contain themselves arrive so', () => {
    const error = new Error('loop') as Error & { self?: unknown };
    error.cause = error;
    error.self = { error };
    const got = roundTrip(error) as typeof error & { self: { error: unknown } };
    expect(got.cause).toBe(got);
    expect(got.self.error).toBe(got);
  });

  it('without a message arrive without one', () => {
    expect(Object.hasOwn(roundTrip(new Error()), 'message')).toBe(false);
  });

  it('of the library arrive as instances of their class, with code and details', () => {
    for (const errorClass of Object.values(errors)) {
      if (typeof errorClass !== 'function' || !(errorClass.prototype instanceof errors.MultiprocError)) continue;
      const Class = errorClass as typeof errors.MultiprocError;
      const got = roundTrip(new Class('Cannot', { count: 2, cause: 'why' }));
      expect(Object.getPrototypeOf(got)).toBe(Class.prototype);
      expect(got).toMatchObject({ name: Class.name, code: Class.code, message: 'Cannot', count: 2, cause: 'why' });
    }
  });

  it('of an abort arrive as DOMException', () => {
    const got = roundTrip(new DOMException('gone', 'AbortError'));
    expect(got).toBeInstanceOf(DOMException);
    expect([got.name, got.message, got.code]).toEqual(['AbortError', 'gone', 20]);
  });
});

describe('registerClass()', () => {
  class Vector {
    x: number;
    self: unknown;
    constructor(x: number) {
      this.x = x;
    }
    length(): number {
      return Math.abs(this.x);
    }
  }
  class Secret {
    readonly #value: unknown;
    constructor(value: unknown) {
      this.#value = value;
    }
    reveal(): unknown {
      return this.#value;
    }
  }
  class CodedError extends Error {
    readonly level = 4;
  }
  registerClass('Vector', Vector);
  registerClass('Secret', Secret, { toData: (secret) => secret.reveal(), fromData: (value) => new Secret(value) });
  registerClass('CodedError', CodedError);

  it('restores the prototype, and cycles through the instance', () => {
    const vector = new Vector(-2);
    vector.self = [vector];
    const got = roundTrip(vector);
    expect(got).toBeInstanceOf(Vector);
    expect(got.length()).toBe(2);
    expect((got.self as unknown[])[0]).toBe(got);
  });

  it('converts with toData and fromData, keeping identity', () => {
    const secret = new Secret({ deep: new Secret(1n) });
    const [first, second] = roundTrip([secret, secret] as const);
    expect(first).toBe(second);
    expect((first.reveal() as { deep: Secret }).deep.reveal()).toBe(1n);
  });

  it('restores the class of errors, with their stack', () => {
    const error = new CodedError('c');
    const got = roundTrip(error);
    expect(got).toBeInstanceOf(CodedError);
    expect(types.isNativeError(got)).toBe(true);
    expect([got.level, got.message, got.stack]).toEqual([4, 'c', error.stack]);
  });

  it('leaves subclasses alone, which arrive as plain data', () => {
    class Sub extends Vector {}
    expect(Object.getPrototypeOf(roundTrip(new Sub(1)))).toBe(Object.prototype);
  });

  it('refuses data that refers to its own instance', () => {
    class Loop {
      me = this;
    }
    registerClass('Loop', Loop, { toData: (loop) => ({ loop }), fromData: () => new Loop() });
    expect(() => roundTrip({ a: new Loop() })).toThrow(/refers to its instance at \.a\.toData\(\)\.loop/);
  });

  it('refuses wrong arguments', () => {
    const register = registerClass as (...values: unknown[]) => void;
    const attempt = (...values: unknown[]) => {
      return () => {
        register(...values);
      };
    };
    expect(attempt('', Vector)).toThrow(TypeError);
    expect(attempt('Vector2', {})).toThrow(TypeError);
    expect(attempt('Vector', Secret)).toThrow(errors.ExistsError);
    expect(attempt('Lookup', class Lookup extends Map {})).toThrow(/it extends a Map/);
    expect(attempt('Half', Vector, { toData: () => 1 })).toThrow(TypeError);
    expect(attempt('Vector', Vector)).not.toThrow();
  });
});

describe('shared objects', () => {
  class Shared {
    readonly handle: string;
    constructor(handle: string) {
      this.handle = handle;
    }
  }
  const memory = new SharedArrayBuffer(64);

  function install(): void {
    setSharedObjectHooks({
      describe(object) {
        if (object instanceof Shared) return object.handle;
        if (!ArrayBuffer.isView(object) || object.buffer !== memory) return undefined;
        const { byteOffset, constructor } = object;
        return { handle: 'm', byteOffset, length: (object as Uint8Array).length, type: constructor.name };
      },
      revive(description) {
        if (description === 'gone') throw new errors.NotFoundError('Cannot attach: it is gone');
        return typeof description === 'string' ? new Shared(description) : { revived: description };
      },
    });
  }

  afterEach(() => {
    setSharedObjectHooks({ describe: () => undefined, revive: (description) => description });
  });

  it('arrive live at any depth, once each, and are listed for the sender', () => {
    install();
    const shared = new Shared('h1');
    const got = roundTrip({ a: [shared, new Map([[shared, new Shared('h2')]])] });
    const [first, map] = got.a as [Shared, Map<Shared, Shared>];
    expect(first).toBeInstanceOf(Shared);
    expect(map.get(first)?.handle).toBe('h2');
    expect(encoder.handles?.map(({ description }) => description)).toEqual(['h1', 'h2']);
    expect(encoder.handles?.[0]?.object).toBe(shared);
  });

  it('make no list when there are none', () => {
    install();
    encoder.encode({ a: [1] });
    expect(encoder.handles).toBeNull();
  });

  it('include views of shared memory, described and not copied', () => {
    install();
    const view: SharedView = { handle: 'm', byteOffset: 8, length: 3, type: 'Int32Array' };
    expect(roundTrip([new Int32Array(memory, 8, 3)])).toEqual([{ revived: view }]);
    expect(roundTrip(new Int32Array(memory, 8, 3))).toEqual({ revived: view });
  });

  it('that are gone give the error of reviving, unchanged', () => {
    install();
    expect(() => roundTrip({ a: new Shared('gone') })).toThrow(errors.NotFoundError);
    expect(roundTrip(1)).toBe(1);
  });
});

describe('proxies and getters', () => {
  it('travel as what they show', () => {
    const proxy = new Proxy(
      { a: 1 },
      { get: (target, name) => (name === 'a' ? 2 : (Reflect.get(target, name) as unknown)) },
    );
    expect(roundTrip({ proxy, list: new Proxy([1, 2], {}) })).toEqual({ proxy: { a: 2 }, list: [1, 2] });
  });

  it('are read once', () => {
    let reads = 0;
    const value = {
      get next() {
        return ++reads;
      },
    };
    expect(roundTrip([value, value])).toEqual([{ next: 1 }, { next: 1 }]);
    expect(roundTrip({ value })).toEqual({ value: { next: 2 } });
  });

  it('may use the same encoder and decoder meanwhile', () => {
    const inner = { x: 'inner' };
    const value = {
      before: 'b'.repeat(100),
      get nested() {
        return roundTrip(inner);
      },
      after: [1, 2, 3],
    };
    expect(roundTrip(value)).toEqual({ before: 'b'.repeat(100), nested: inner, after: [1, 2, 3] });
  });
});
