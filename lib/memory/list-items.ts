/**
 * How the items of a ShareableList lie in memory: for each a head of 16 bytes, and behind all heads their storage.
 *
 *     head: | storage offset u32 | storage size u32 | length u32 | tag u32 |
 *
 * Offset and size never change. Length and tag change in one store.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError, CorruptSegmentError } from '../errors.js';

/** What an item can be. Numbers keep every bit, and a number is no bigint. */
export type ListItem = number | bigint | boolean | string | Uint8Array | null;

/** What reading an item gives. */
export type ListValue = number | bigint | boolean | string | Buffer | null;

export const headBytes = 16;
const unit = 8;

const Tag = { null: 1, false: 2, true: 3, number: 4, bigint: 5, utf8: 6, utf16: 7, bytes: 8 } as const;

interface EncodedItem {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

const nothing = new Uint8Array(0);
const loneSurrogate = /\p{Surrogate}/u;

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT) for what a list cannot hold. */
export function encodeItem(item: unknown): EncodedItem {
  if (item === null) return { tag: Tag.null, bytes: nothing };
  if (typeof item === 'boolean') return { tag: item ? Tag.true : Tag.false, bytes: nothing };
  if (typeof item === 'number') return { tag: Tag.number, bytes: new Uint8Array(Float64Array.of(item).buffer) };
  if (typeof item === 'bigint') {
    if (BigInt.asIntN(64, item) === item)
      return { tag: Tag.bigint, bytes: new Uint8Array(BigInt64Array.of(item).buffer) };
    throw argumentRangeError(`Cannot store ${item}n in a ShareableList: integers have 64 bits`);
  }
  if (typeof item === 'string') {
    // UTF-8 has no place for half a character.
    return loneSurrogate.test(item)
      ? { tag: Tag.utf16, bytes: Buffer.from(item, 'utf16le') }
      : { tag: Tag.utf8, bytes: Buffer.from(item) };
  }
  if (item instanceof Uint8Array) return { tag: Tag.bytes, bytes: item };
  throw argumentTypeError(
    `Cannot store ${inspect(item, { depth: 0 })} in a ShareableList: expected a number, bigint, boolean, string, Buffer or null`,
  );
}

/** Bytes of storage that an item of so many bytes gets, for good. */
function storageFor(byteLength: number): number {
  return Math.max(unit, Math.ceil(byteLength / unit) * unit);
}

/** The memory of a new list. */
export function layOutItems(items: readonly unknown[]): Uint8Array {
  const encoded = items.map(encodeItem);
  const total = encoded.reduce((sum, { bytes }) => sum + storageFor(bytes.length), items.length * headBytes);
  if (total > 0xffff_ffff)
    throw argumentRangeError(`Cannot create ShareableList: its items take ${total} bytes, more than 4 GiB`);
  const memory = new Uint8Array(total);
  const heads = new Uint32Array(memory.buffer, 0, items.length * 4);
  let offset = items.length * headBytes;
  encoded.forEach(({ tag, bytes }, index) => {
    const size = storageFor(bytes.length);
    heads.set([offset, size, bytes.length, tag], index * 4);
    memory.set(bytes, offset);
    offset += size;
  });
  return memory;
}

/** The items of an open list. */
export class ListItems {
  readonly length: number;
  readonly #bytes: Buffer;
  /** Length and tag of each item: the second half of its head. */
  readonly #states: BigUint64Array;
  /** Private copies, checked once: nobody can move them under a reader. */
  readonly #offsets: readonly number[];
  readonly #sizes: readonly number[];

  /** @throws CorruptSegmentError when the heads make no sense. */
  constructor(buffer: ArrayBuffer, length: number) {
    if (!Number.isInteger(length) || length < 0 || length * headBytes > buffer.byteLength) {
      throw new CorruptSegmentError(
        `Cannot open ShareableList: ${length} items in ${buffer.byteLength} bytes make no sense`,
      );
    }
    const heads = new Uint32Array(buffer, 0, length * 4);
    const offsets: number[] = [];
    const sizes: number[] = [];
    for (let index = 0; index < length; index++) {
      const offset = heads[index * 4] as number;
      const size = heads[index * 4 + 1] as number;
      if (offset < length * headBytes || offset + size > buffer.byteLength) {
        throw new CorruptSegmentError(`Cannot open ShareableList: item ${index} lies outside of its memory`);
      }
      offsets.push(offset);
      sizes.push(size);
    }
    this.length = length;
    this.#bytes = Buffer.from(buffer);
    this.#states = new BigUint64Array(buffer, 0, length * 2);
    this.#offsets = offsets;
    this.#sizes = sizes;
  }

  read(index: number): ListValue {
    const state = Atomics.load(this.#states, index * 2 + 1);
    const length = Number(state & 0xffff_ffffn);
    const offset = this.#offsets[index] as number;
    if (length > (this.#sizes[index] as number)) throw damaged(index);
    switch (Number(state >> 32n)) {
      case Tag.null:
        return null;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.number:
        return this.#bytes.readDoubleLE(offset);
      case Tag.bigint:
        return this.#bytes.readBigInt64LE(offset);
      case Tag.utf8:
        return this.#bytes.toString('utf8', offset, offset + length);
      case Tag.utf16:
        return this.#bytes.toString('utf16le', offset, offset + length);
      case Tag.bytes:
        return Buffer.from(this.#bytes.subarray(offset, offset + length));
      default:
        throw damaged(index);
    }
  }

  write(index: number, item: unknown): void {
    const { tag, bytes } = encodeItem(item);
    const size = this.#sizes[index] as number;
    if (bytes.length > size) {
      throw argumentRangeError(
        `Cannot set item ${index} of a ShareableList: ${bytes.length} bytes do not fit its storage of ${size}`,
      );
    }
    this.#bytes.set(bytes, this.#offsets[index]);
    Atomics.store(this.#states, index * 2 + 1, (BigInt(tag) << 32n) | BigInt(bytes.length));
  }
}

function damaged(index: number): CorruptSegmentError {
  return new CorruptSegmentError(`Cannot read item ${index} of a ShareableList: its memory is damaged`);
}
