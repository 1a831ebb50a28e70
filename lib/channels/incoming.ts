/**
 * Messages on their way out of a queue: native code copies them into a slab, from which they are decoded at once.
 */
import { CorruptSegmentError } from '../errors.js';
import { Decoder } from '../internal/codec/codec.js';
import { call, MessageFlag, native, Status } from '../internal/native.js';
import type { CodecName } from './codec-name.js';

const slabSize = 32 * 1024;
/** Raw messages below this many bytes are given away as slices of the slab; longer ones get memory of their own. */
const longestSlice = 4 * 1024;

/** Makes values of messages. */
export interface MessageDecoder<T = unknown> {
  /** @param owned whether the memory is given away with the message. */
  decode(bytes: Buffer, start: number, end: number, owned: boolean): T;
}

/** A message that was taken and not yet consumed. */
export interface Claimed<T = unknown> {
  readonly value: T;
  readonly position: number;
  /** Which delivery this is, from 1. */
  readonly attempts: number;
}

let slab = Buffer.allocUnsafeSlow(slabSize);
let slabMemory = slab.buffer;
/** Where the free part of the slab begins. */
let free = 0;
/** Memory made for the message that has just been got, when it was too long for the slab. */
let own: Buffer | null = null;
native.setSlab(slab);

type BufferViewConstructor = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

/**
 * The class that Buffers are made of. Its constructor makes a view of given memory in less than half the time of
 * `Buffer.subarray`, most of which goes into asking the slab for its memory.
 */
const BufferView = (Buffer as unknown as { readonly [Symbol.species]: BufferViewConstructor })[Symbol.species];

/** Of everything that can travel. */
export const decoder = new Decoder();

/**
 * Decodes a part of a message now, for somebody who asks for it later: what decoding threw is thrown then, and the rest of the message can be
 * used whatever it was.
 */
export function decoded(bytes: Buffer, start: number, end: number, owned: boolean): () => unknown {
  try {
    const value = decoder.decode(bytes, start, end, owned);
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** Tries to get a message. After success, {@link takeValue}, {@link takeReadable} or {@link takeClaimed} must follow at once. */
export function getMessage(ref: number, mode: number, waitMs: number): number {
  const length = native.ringGet(ref, free, mode, waitMs);
  return length === Status.NoRoom ? getLong(ref, mode) : length;
}

/** The message does not fit behind `free`. By the time there is room for it, somebody else may have taken it. */
function getLong(ref: number, mode: number): number {
  for (;;) {
    const needed = native.out[0] as number;
    let length: number;
    if (needed <= slabSize) {
      renewSlab();
      length = native.ringGet(ref, 0, mode, 0);
    } else {
      own = Buffer.allocUnsafeSlow(needed);
      native.setSlab(own);
      length = native.ringGet(ref, 0, mode, 0);
      native.setSlab(slab);
      if (length < 0) own = null;
    }
    if (length !== Status.NoRoom) return length;
  }
}

function renewSlab(): void {
  slab = Buffer.allocUnsafeSlow(slabSize);
  slabMemory = slab.buffer;
  free = 0;
  native.setSlab(slab);
}

/** The value of the message that {@link getMessage} got with `GetMode.copy`. */
export function takeValue<T>(ref: number, length: number, codec: MessageDecoder<T>): T;
export function takeValue(ref: number, length: number, codec: CodecName | MessageDecoder): unknown;
export function takeValue(ref: number, length: number, codec: CodecName | MessageDecoder): unknown {
  const flags = native.out[0] as number;
  if (flags === 0) return decode(length, codec);
  const position = native.out[1] as number;
  const spilled = spillOf(ref, flags, position, consume);
  try {
    return spilled === null ? decode(length, codec) : decodeOwned(spilled, codec);
  } finally {
    // Only now: what the message refers to is kept alive by its sender until it is consumed.
    consume(ref, position);
  }
}

/** A message that was taken and cannot be had. It is still claimed: whoever put it can be told before it is released. */
export interface Unreadable {
  readonly position: number;
  readonly error: unknown;
}

/** The value of the message that {@link getMessage} got with `GetMode.take`, or why there is none. */
export function takeReadable<T>(ref: number, length: number, codec: MessageDecoder<T>): Claimed<T> | Unreadable {
  const [flags = 0, position = 0, , attempts = 1] = native.out;
  try {
    const isSpilled = (flags & MessageFlag.spilled) !== 0;
    const value = isSpilled ? decodeOwned(readSpill(ref, position), codec) : decode(length, codec);
    return { value: value as T, position, attempts };
  } catch (error) {
    return { position, error };
  }
}

/**
 * The value of the message that {@link getMessage} got with `GetMode.take`. When it cannot be decoded, nobody can ever
 * work on it: it is consumed, and counts as done where that is counted.
 */
export function takeClaimed(ref: number, length: number, codec: CodecName): Claimed {
  const [flags = 0, position = 0, , attempts = 1] = native.out;
  const spilled = spillOf(ref, flags, position, finish);
  try {
    const value = spilled === null ? decode(length, codec) : decodeOwned(spilled, codec);
    return { value, position, attempts };
  } catch (error) {
    finish(ref, position);
    throw error;
  }
}

type Drop = (ref: number, position: number) => void;

function consume(ref: number, position: number): void {
  native.ringRelease(ref, position);
}

/** Consumes what nobody can work on, as done where that is counted. */
function finish(ref: number, position: number): void {
  if (native.ringReleaseDone(ref, position) < 0) consume(ref, position);
}

function spillOf(ref: number, flags: number, position: number, drop: Drop): Buffer | null {
  return (flags & MessageFlag.spilled) === 0 ? null : openSpill(ref, position, drop);
}

/**
 * The bytes of a claimed message that has memory of its own. When they cannot be had, the claim is over: what is damaged is dropped,
 * or it would fail every get from now on; anything else goes back to its place.
 */
export function openSpill(ref: number, position: number, drop: Drop = consume): Buffer {
  try {
    return readSpill(ref, position);
  } catch (error) {
    if (error instanceof CorruptSegmentError) drop(ref, position);
    // Out of descriptors or memory: somebody else, or we later, may have more luck.
    else native.ringRequeue(ref, position);
    throw error;
  }
}

function readSpill(ref: number, position: number): Buffer {
  return Buffer.from(call(() => native.ringOpenSpill(ref, position)));
}

function decodeOwned(bytes: Buffer, codec: CodecName | MessageDecoder): unknown {
  return codec === 'raw' ? bytes : decoderFor(codec).decode(bytes, 0, bytes.length, true);
}

function decoderFor(codec: 'structured' | MessageDecoder): MessageDecoder {
  return codec === 'structured' ? decoder : codec;
}

function decode(length: number, codec: CodecName | MessageDecoder): unknown {
  if (own !== null) {
    const bytes = own;
    own = null;
    return decodeOwned(bytes.length === length ? bytes : bytes.subarray(0, length), codec);
  }
  return codec === 'raw' ? slice(length) : decodeInPlace(length, decoderFor(codec));
}

function decodeInPlace(length: number, messages: MessageDecoder): unknown {
  const bytes = slab;
  const start = free;
  const end = start + length;
  // Reviving an object may run code that gets a message too.
  free = (end + 7) & ~7;
  try {
    return messages.decode(bytes, start, end, false);
  } finally {
    if (slab === bytes) free = start;
  }
}

function slice(length: number): Buffer {
  const end = free + length;
  if (length >= longestSlice) {
    const copy = Buffer.allocUnsafeSlow(length);
    slab.copy(copy, 0, free, end);
    return copy;
  }
  const part = new BufferView(slabMemory, free, length);
  free = (end + 7) & ~7;
  if (slabSize - free < longestSlice) renewSlab();
  return part;
}
