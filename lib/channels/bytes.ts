/**
 * Bytes of the caller, and messages of bytes.
 */
import { inspect } from 'node:util';
import {
  argumentRangeError,
  argumentTypeError,
  BufferTooShort,
  LengthError,
  type MultiprocError,
  StateError,
} from '../errors.js';
import { checkInteger } from '../internal/shared-object.js';
import type { WaitOptions } from '../internal/wait-options.js';

/** Options of `recvBytes()`. */
export interface RecvBytesOptions extends WaitOptions {
  /** Longest message that is accepted, in bytes; default: any. */
  readonly maxLength?: number | null | undefined;
}

/** Bytes in any of the forms that Node has them in. */
export type BytesLike = ArrayBufferView | ArrayBufferLike;

/** No message is longer. */
export const longest = 2 ** 53 - 1;

/** Why a received value is not accepted as bytes of this length at most; `undefined`: it is. */
export function refuse(value: unknown, maxLength: number): MultiprocError | undefined {
  if (!(value instanceof Uint8Array))
    return new StateError('Cannot receive bytes: the message is another value, use recv()');
  if (value.length <= maxLength) return undefined;
  return new LengthError(`Cannot receive: the message has ${value.length} bytes, ${maxLength} are allowed`);
}

/** Copies a message into the caller's memory. @returns its length. @throws BufferTooShort. */
export function copied(message: Buffer, room: Buffer): number {
  if (message.length > room.length) {
    const text = `Cannot receive: the message has ${message.length} bytes, there is room for ${room.length}`;
    throw new BufferTooShort(text, { data: message });
  }
  return message.copy(room);
}

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function checkMaxLength(options: RecvBytesOptions | null | undefined): number {
  const maxLength: unknown = options?.maxLength;
  return maxLength === undefined || maxLength === null
    ? longest
    : checkInteger(maxLength, 0, longest, 'maxLength', 'receive');
}

/** The same memory as a Buffer. @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function asBuffer(bytes: unknown): Buffer {
  if (ArrayBuffer.isView(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes instanceof ArrayBuffer || bytes instanceof SharedArrayBuffer) return Buffer.from(bytes);
  throw argumentTypeError(
    `Cannot use as bytes: expected a Buffer, typed array, DataView or ArrayBuffer, received ${inspect(bytes, { depth: 0 })}`,
  );
}

/** A part of the same memory. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function partOf(bytes: unknown, offset: number | undefined, size: number | undefined): Buffer {
  const whole = asBuffer(bytes);
  const begin = checkInteger(offset ?? 0, 0, longest, 'offset', 'use bytes');
  if (begin > whole.length)
    throw argumentRangeError(`Cannot use bytes: offset ${begin} is beyond their length ${whole.length}`);
  const length = size ?? whole.length - begin;
  checkInteger(length, 0, longest, 'size', 'use bytes');
  if (begin + length > whole.length) {
    throw argumentRangeError(`Cannot use bytes: ${length} from ${begin} on are beyond their length ${whole.length}`);
  }
  return whole.subarray(begin, begin + length);
}
