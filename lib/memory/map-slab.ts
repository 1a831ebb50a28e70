/**
 * What is read from maps: native code copies it into a slab, from which it is decoded at once.
 */
import { Decoder } from '../internal/codec/codec.js';
import { native, Status } from '../internal/native.js';

const slabSize = 32 * 1024;

const slab = Buffer.allocUnsafeSlow(slabSize);
/** Where the free part of the slab begins. */
let free = 0;
/** Memory made for what has just been read, when it was too long for the slab. */
let own: Buffer | null = null;
native.setMapSlab(slab);

const decoder = new Decoder();

/** Copies to the slab from `offset` on: a length, or a status. */
type Copy = (offset: number) => number;

/** Reads a value: its length, or a status. After success {@link takeValue} must follow at once. */
export function readValue(ref: number, key: string): number {
  const length = native.mapGet(ref, key, free);
  return length === Status.NoRoom ? readLong((offset) => native.mapGet(ref, key, offset)) : length;
}

/** Reads the entries of a bucket: the bytes of all, or a status. After success {@link takeEntries} must follow at once. */
export function readEntries(ref: number, bucket: number): number {
  const length = native.mapScan(ref, bucket, free);
  return length === Status.NoRoom ? readLong((offset) => native.mapScan(ref, bucket, offset)) : length;
}

/** It does not fit behind `free`. By the time there is room for it, it may be longer. */
function readLong(copy: Copy): number {
  for (;;) {
    const memory = Buffer.allocUnsafeSlow(native.out[0] as number);
    native.setMapSlab(memory);
    const length = copy(0);
    native.setMapSlab(slab);
    if (length === Status.NoRoom) continue;
    own = length < 0 ? null : memory;
    return length;
  }
}

/** The value of `length` bytes that {@link readValue} has read. */
export function takeValue(length: number): unknown {
  if (own === null) return inPlace(length, (bytes, start, end) => decoder.decode(bytes, start, end, false));
  const bytes = own;
  own = null;
  return decoder.decode(bytes, 0, length, true);
}

/** An entry of which only the key is wanted, or the value too. */
export type Take<R> = (key: () => string, value: () => unknown) => R;

/** What `take` makes of each of the entries that {@link readEntries} has read. */
export function takeEntries<R>(length: number, take: Take<R>): R[] {
  const parse = (bytes: Buffer, start: number, end: number): R[] => parseEntries(bytes, start, end, take);
  if (own === null) return inPlace(length, parse);
  const bytes = own;
  own = null;
  return parse(bytes, 0, length);
}

function parseEntries<R>(bytes: Buffer, start: number, end: number, take: Take<R>): R[] {
  const taken: R[] = [];
  for (let at = start; at < end;) {
    const keyAt = at + 8;
    const valueAt = keyAt + bytes.readUInt32LE(at);
    const next = valueAt + bytes.readUInt32LE(at + 4);
    at = next;
    taken.push(
      take(
        () => bytes.toString('utf8', keyAt, valueAt),
        () => decoder.decode(bytes, valueAt, next, false),
      ),
    );
  }
  return taken;
}

function inPlace<R>(length: number, decode: (bytes: Buffer, start: number, end: number) => R): R {
  const start = free;
  const end = start + length;
  // Decoding may run code that reads from a map too.
  free = end;
  try {
    return decode(slab, start, end);
  } finally {
    free = start;
  }
}
