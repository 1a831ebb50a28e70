/** Bytes that no encoder wrote give an error, whatever they are: no crash, no endless loop, no other error. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CorruptSegmentError, NotFoundError, VersionError } from '../../lib/errors.js';
import { decoder, message, roundTrip } from './support.js';

const sample = {
  id: 1,
  list: [1, 2.5, 'drei', null, undefined, -0],
  map: new Map<unknown, unknown>([['k', new Set([1n, 2n ** 90n])]]),
  when: new Date(0),
  pattern: /x/g,
  error: new RangeError('r', { cause: { deep: [true] } }),
  bytes: Buffer.from('abc'),
  view: new Uint16Array([1, 2, 3]),
  // oxlint-disable-next-line no-sparse-arrays -- the hole is the point
  holes: [, 'x', , 'y'],
  text: 'é\ud800',
  boxed: Object(3) as object,
};

function decodeOrCorrupt(bytes: Uint8Array, start = 0, end = bytes.length): void {
  for (const owned of [false, true]) {
    try {
      decoder.decode(bytes, start, end, owned);
    } catch (error) {
      const expected = [CorruptSegmentError, NotFoundError, VersionError].some((Class) => error instanceof Class);
      if (!expected) throw error;
    }
  }
}

describe('Decoder.decode()', () => {
  it('ends in a value or a CorruptSegmentError for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 80 }), (bytes) => {
        decodeOrCorrupt(bytes);
      }),
      { numRuns: 20_000 },
    );
  });

  it('ends in a value or a CorruptSegmentError for random bytes made of tags', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 33 }), { maxLength: 60 }), (bytes) => {
        decodeOrCorrupt(Uint8Array.from(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['exact', sample],
    ['plain', { id: 1, list: [1.5, 'drei', null, undefined, 7n], bytes: Buffer.from('abc'), text: 'é'.repeat(40) }],
    ['tabular', Array.from({ length: 20 }, (_, index) => ({ index, name: `n${index}`, on: true }))],
  ])('ends in a value or a CorruptSegmentError for a damaged %s message', (_name, value) => {
    const intact = message(value);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(intact.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = Buffer.from(intact);
          for (const [position, byte] of changes) bytes[position] = byte;
          decodeOrCorrupt(bytes);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  it('refuses every truncation, also where the memory goes on', () => {
    const bytes = message(sample);
    for (let end = 0; end < bytes.length; end++) {
      expect(() => decoder.decode(bytes, 0, end, false), `cut at ${end}`).toThrow(CorruptSegmentError);
    }
  });

  it.each([
    ['an array of plain data', [11, 0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['arrays inside arrays', [11, ...Array.from({ length: 50 }, () => [0xdd, 1, 0xff, 0xff, 0xff]).flat()]],
    ['a map of plain data', [11, 0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['bytes in plain data', [11, 0xc6, 0x0f, 0xff, 0xff, 0xff]],
    ['a text in plain data', [11, 0xdb, 0x0f, 0xff, 0xff, 0xff]],
    ['an array', [12, 0xff, 0x0f, 0x41, 0xff, 0xff, 0xff, 0x07]],
    ['an ArrayBuffer', [12, 0xff, 0x0f, 0x42, 0xff, 0xff, 0xff, 0xff, 0x07]],
    ['a bigint', [12, 0xff, 0x0f, 0x5a, 0xff, 0xff, 0xff, 0xff, 0x07]],
    ['a text of one byte per character', [12, 0xff, 0x0f, 0x22, 0xff, 0xff, 0xff, 0xff, 0x07]],
    ['a text of two', [12, 0xff, 0x0f, 0x63, 0xff, 0xff, 0xff, 0xff, 0x07]],
  ])('allocates nothing for the length that a damaged message claims for %s', (_name, bytes) => {
    const used = (): number => process.memoryUsage().rss + process.memoryUsage().arrayBuffers;
    const before = used();
    expect(() => decoder.decode(Uint8Array.from(bytes), 0, bytes.length, false)).toThrow(CorruptSegmentError);
    expect(used() - before).toBeLessThan(64 * 1024 * 1024);
  });

  it.each([
    ['a scalar', 1],
    ['plain data', [1, 2]],
    ['any other value', new Map([[1, 2]])],
    ['a value with a Buffer', new Set([Buffer.from('abc')])],
  ])('refuses bytes after %s', (_name, value) => {
    const bytes = Buffer.concat([message(value), Buffer.alloc(1)]);
    expect(() => decoder.decode(bytes, 0, bytes.length, false)).toThrow(CorruptSegmentError);
  });

  it('refuses what a newer engine wrote with an error that says so', () => {
    const bytes = message(new Map([[1, 2]]));
    expect(bytes[1]).toBe(0xff);
    bytes[2] = (bytes[2] as number) + 1;
    expect(() => decoder.decode(bytes, 0, bytes.length, false)).toThrow(VersionError);
  });

  it('refuses bounds outside of the memory', () => {
    const bytes = message('x');
    expect(() => decoder.decode(bytes, 0, bytes.length + 1, false)).toThrow(CorruptSegmentError);
    expect(() => decoder.decode(bytes, 2, 1, false)).toThrow(CorruptSegmentError);
    expect(() => decoder.decode(bytes, -1, 1, false)).toThrow(CorruptSegmentError);
  });

  it('works as before after any error', () => {
    expect(() => decoder.decode(Buffer.from([99]), 0, 1, false)).toThrow(CorruptSegmentError);
    expect(roundTrip({ a: [1] })).toEqual({ a: [1] });
  });
});
