/** What cannot travel, where the bytes are, and the codec 'raw'. */
import { Socket } from 'node:net';
import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { ARGUMENT_CODE, NotTransferableError } from '../../lib/errors.js';
import { Decoder, Encoder } from '../../lib/internal/codec/codec.js';
import { RawDecoder, RawEncoder } from '../../lib/internal/codec/raw.js';
import { message, roundTrip } from './support.js';

function refusedPath(value: unknown): string | undefined {
  try {
    roundTrip(value);
  } catch (error) {
    if (error instanceof NotTransferableError) return error.path;
    throw error;
  }
  return 'it travelled';
}

describe('values that cannot travel', () => {
  const detached = new ArrayBuffer(8);
  const detachedViews = [new Uint8Array(detached), new DataView(detached), Buffer.from(detached)];
  structuredClone(detached, { transfer: [detached] });

  it.each([
    ['a function', () => 1],
    ['a class', NotTransferableError],
    ['a symbol', Symbol('s')],
    ['a boxed symbol', Object(Symbol('s'))],
    ['a WeakMap', new WeakMap()],
    ['a WeakRef', new WeakRef({})],
    ['a Promise', Promise.resolve(1)],
    [
      'a generator',
      (function* () {
        yield 1;
      })(),
    ],
    ['an iterator', new Map().entries()],
    ['a socket', new Socket()],
    ['a stream', new Readable()],
    ['a port', new MessageChannel().port1],
    ['an AbortSignal', new AbortController().signal],
    ['a URL', new URL('file:///')],
    ['a collator', new Intl.Collator()],
    ['a foreign SharedArrayBuffer', new SharedArrayBuffer(8)],
    ['a view of one', new Uint8Array(new SharedArrayBuffer(8))],
    ['a Buffer on one', Buffer.from(new SharedArrayBuffer(8))],
    ['a detached ArrayBuffer', detached],
    ['a typed array on one', detachedViews[0]],
    ['a DataView on one', detachedViews[1]],
    ['a Buffer on one that is detached', detachedViews[2]],
  ])('%s is refused', (_name, value: unknown) => {
    expect(() => roundTrip(value)).toThrow(NotTransferableError);
    expect(() => roundTrip({ a: [1, value] })).toThrow(NotTransferableError);
    expect(roundTrip({ fine: 1 })).toEqual({ fine: 1 });
    if (value instanceof MessagePort) value.close();
  });

  it('are refused with the way to them', () => {
    const cause = new Error('x', { cause: { f: () => 1 } });
    expect(refusedPath(() => 1)).toBe('');
    expect(refusedPath({ a: { b: [0, 1, 2, () => 1] } })).toBe('.a.b[3]');
    expect(refusedPath({ a: [{}, { b: Promise.resolve() }] })).toBe('.a[1].b');
    expect(refusedPath({ 'odd key': Symbol('s') })).toBe('["odd key"]');
    expect(refusedPath(new Map([['k', { f: () => 1 }]]))).toBe(".get('k').f");
    expect(refusedPath(new Map([[() => 1, 1]]))).toBe('.keys()');
    expect(refusedPath([new Set([Symbol('s')])])).toBe('[0].values()');
    expect(refusedPath({ cause })).toBe('.cause.cause.f');
    expect(refusedPath([new Uint8Array(new SharedArrayBuffer(1))])).toBe('[0].buffer');
  });

  it('say what they are', () => {
    expect(() => roundTrip({ run: () => 1 })).toThrow('Cannot send a value: a function (run) at .run');
    expect(() => roundTrip([new WeakSet()])).toThrow('Cannot send a value: a WeakSet at [0]');
  });

  it('include one nested too deeply, and the deepest that is allowed arrives', () => {
    const nest = (levels: number): unknown => {
      let value: unknown = 'bottom';
      for (let level = 0; level < levels; level++) value = [value];
      return value;
    };
    expect(JSON.stringify(roundTrip(nest(1000)))).toBe(JSON.stringify(nest(1000)));
    expect(() => roundTrip(nest(1001))).toThrow(/nested deeper than 1000 levels/);
  });

  it('pass on the error of a getter', () => {
    const failure = new Error('from the getter');
    const value = {
      get bad(): unknown {
        throw failure;
      },
    };
    expect(() => roundTrip([value])).toThrow(failure);
    expect(roundTrip([1])).toEqual([1]);
  });
});

describe('Encoder', () => {
  it('tells of a larger scratch before encode returns, and of a smaller one later', () => {
    const told: Uint8Array[] = [];
    const encoder = new Encoder((scratch) => told.push(scratch));
    const first = encoder.scratch;
    const length = encoder.encode('x'.repeat(3_000_000));
    // Compared by identity only: the matcher would go through all the bytes.
    expect(told.map((scratch) => scratch === encoder.scratch)).toEqual([true]);
    expect(encoder.scratch === first).toBe(false);
    expect(encoder.scratch.length).toBeGreaterThanOrEqual(length);
    for (let index = 0; index < 100; index++) encoder.encode(index);
    expect(encoder.scratch.length).toBeLessThan(100_000);
    expect(told.at(-1) === encoder.scratch).toBe(true);
  });

  it.each([
    ['Buffer', Buffer.alloc(5000, 7)],
    ['Float64Array', new Float64Array(1000).fill(1.5)],
    ['DataView', new DataView(new ArrayBuffer(4096))],
    ['ArrayBuffer', new Uint8Array(4096).fill(9).buffer],
  ])('leaves a large %s where it is', (_name, value) => {
    const encoder = new Encoder();
    expect(encoder.encode(value)).toBe(8);
    expect(encoder.body?.byteLength).toBe(value.byteLength);
    expect(encoder.body?.buffer).toBe(ArrayBuffer.isView(value) ? value.buffer : value);
    expect(roundTrip(value)).toStrictEqual(value);
    encoder.encode(1);
    expect(encoder.body).toBeNull();
  });

  it('sends the whole ArrayBuffer of a part of it, as structured clone does', () => {
    const part = new Uint8Array(10_000).fill(3).subarray(100, 9000);
    const got = roundTrip(part);
    expect(got).toStrictEqual(part);
    expect([got.byteOffset, got.buffer.byteLength]).toEqual([100, 10_000]);
  });

  it('keeps an ArrayBuffer resizable', () => {
    const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const got = roundTrip(new Resizable(4, { maxByteLength: 64 })) as ArrayBuffer & {
      resizable: boolean;
      maxByteLength: number;
    };
    expect([got.resizable, got.byteLength, got.maxByteLength]).toEqual([true, 4, 64]);
  });
});

describe('Decoder', () => {
  const bytes = message(new Float64Array(500).fill(2.5));

  it('copies a large body out of memory that is not its own', () => {
    const slab = new Uint8Array(8192);
    slab.set(bytes, 16);
    const got = new Decoder().decode(slab, 16, 16 + bytes.length, false) as Float64Array;
    slab.fill(0);
    expect(got[499]).toBe(2.5);
  });

  it('views memory that it owns, when its alignment permits', () => {
    const slab = new Uint8Array(8192);
    slab.set(bytes, 16);
    const view = new Decoder().decode(slab, 16, 16 + bytes.length, true) as Float64Array;
    expect(view.buffer).toBe(slab.buffer);
    expect(view[499]).toBe(2.5);
    slab.set(bytes, 3);
    const copy = new Decoder().decode(slab, 3, 3 + bytes.length, true) as Float64Array;
    expect(copy.buffer).not.toBe(slab.buffer);
    expect(copy[499]).toBe(2.5);
  });

  it('copies small bytes inside of a value', () => {
    const inner = message({ data: Buffer.from('abc'), view: new Uint8Array([1]) });
    const got = new Decoder().decode(inner, 0, inner.length, true) as { data: Buffer; view: Uint8Array };
    inner.fill(0);
    expect(got.data.toString()).toBe('abc');
    expect(got.view[0]).toBe(1);
  });

  it('keeps each record apart in many messages of many shapes', () => {
    const decoder = new Decoder();
    const encoder = new Encoder();
    for (let round = 0; round < 3; round++) {
      for (let index = 0; index < 2000; index++) {
        const value = { [`k${index}`]: index, [`second${index % 7}`]: { [`k${index}`]: 'x' } };
        const length = encoder.encode(value);
        expect(decoder.decode(encoder.scratch, 0, length, false)).toEqual(value);
      }
    }
  });
});

describe('tables', () => {
  it('arrive with all their keys, however many shapes there are', () => {
    const shape = (index: number) => ({ id: index, [`k${index % 150}`]: { [`deep${index % 90}`]: [index] } });
    const rows = Array.from({ length: 400 }, (_, index) => ({ row: index, part: shape(index) }));
    expect(roundTrip(rows)).toEqual(rows);
    const odd = rows.map((row) => ({ ...row, __keys__: 1 }));
    expect(roundTrip(odd)).toEqual(odd);
  });
});

describe("codec 'raw'", () => {
  it('takes any view of bytes without copying', () => {
    const encoder = new RawEncoder();
    const buffer = new ArrayBuffer(8);
    for (const value of [Buffer.from(buffer), new Uint16Array(buffer, 2, 2), new DataView(buffer, 1), buffer]) {
      expect(encoder.encode(value)).toBe(0);
      expect(encoder.body?.buffer).toBe(buffer);
      expect(encoder.body?.byteLength).toBe(value.byteLength);
    }
  });

  it.each([['text'], [1], [null], [undefined], [{}], [[1]]])('refuses %j', (value) => {
    expect(() => new RawEncoder().encode(value)).toThrow(
      expect.objectContaining({ name: 'TypeError', code: ARGUMENT_CODE }),
    );
  });

  it('gives a Buffer, a copy unless the memory is its own', () => {
    const bytes = Uint8Array.from([0, 1, 2, 3]);
    const copy = new RawDecoder().decode(bytes, 1, 3, false);
    const view = new RawDecoder().decode(bytes, 1, 3, true);
    bytes.fill(9);
    expect([...copy]).toEqual([1, 2]);
    expect([...view]).toEqual([9, 9]);
    expect(Buffer.isBuffer(view)).toBe(true);
  });
});
