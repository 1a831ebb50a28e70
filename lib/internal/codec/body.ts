/** Binary values that are a whole message: a head of 8 bytes, and their bytes as they are. */
import { types } from 'node:util';

import { corruptMessage } from './corrupt.js';
import { classOfPrototype } from './registered-classes.js';
import { Tag } from './tags.js';

/** Bytes before the contents: 8, so that a message at an aligned address has aligned contents. */
export const BODY_HEAD = 8;

type ViewConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView;

/** Types by number, the same in every version: add at the end only. 0 is Buffer, 1 is a bare ArrayBuffer. */
const VIEW_CONSTRUCTORS: readonly (ViewConstructor | null)[] = [
  null,
  null,
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  // Float16Array exists from Node 24 on; the number is kept free for it before that.
  ((globalThis as Record<string, unknown>)['Float16Array'] as ViewConstructor | undefined) ?? null,
];

const BUFFER_TYPE = 0;
const ARRAY_BUFFER_TYPE = 1;

const typeByName = new Map<string, number>();
VIEW_CONSTRUCTORS.forEach((constructor, type) => {
  if (constructor !== null) typeByName.set(constructor.name, type);
});

const typedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

/** The number of a view's built-in type, whatever subclass it is of. */
function viewType(view: ArrayBufferView): number | undefined {
  // The getter of the common prototype tells typed arrays by what they are, not by a name that a subclass may change.
  const name = Reflect.get(typedArrayPrototype, Symbol.toStringTag, view) as string | undefined;
  return typeByName.get(name ?? 'DataView');
}

/** ES2024, which Node 20 has and the compiler's library does not. */
interface NewerBuffer {
  readonly resizable?: boolean;
}

/** Whether an ArrayBuffer has no memory any more. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/**
 * The bytes of a value that can be a message of its own, with its type; `undefined` for anything else. A typed array must
 * show its whole ArrayBuffer, because the whole would travel.
 */
export function wholeBody(value: object): { readonly type: number; readonly bytes: Uint8Array } | undefined {
  const view = ArrayBuffer.isView(value);
  if (!view && !types.isArrayBuffer(value)) return undefined;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && classOfPrototype(prototype) !== undefined) return undefined;
  const buffer = view ? value.buffer : value;
  if (!types.isArrayBuffer(buffer) || isDetached(buffer)) return undefined;
  if (Buffer.isBuffer(value)) return { type: BUFFER_TYPE, bytes: value };
  const type = view ? viewType(value) : ARRAY_BUFFER_TYPE;
  const whole = !view || (value.byteOffset === 0 && value.byteLength === buffer.byteLength);
  if (!whole || type === undefined || (buffer as NewerBuffer).resizable === true) return undefined;
  return { type, bytes: new Uint8Array(buffer) };
}

/** Writes the head of such a message. */
export function writeBodyHead(target: Uint8Array, type: number): void {
  target.fill(0, 0, BODY_HEAD);
  target[0] = Tag.BODY;
  target[1] = type;
}

/** Reads such a message; the value may be a view of `bytes` if they are `owned`. */
export function readBody(bytes: Uint8Array, start: number, end: number, owned: boolean): unknown {
  const first = start + BODY_HEAD;
  const length = end - first;
  if (length < 0) throw corruptMessage('it is truncated');
  const type = bytes[start + 1] as number;
  if (type === ARRAY_BUFFER_TYPE) return copyOut(bytes, first, end);
  const elementType = type === BUFFER_TYPE ? Uint8Array : VIEW_CONSTRUCTORS[type];
  if (elementType === null || elementType === undefined) throw corruptMessage(`view type ${type} is unknown`);
  const elementSize = (elementType as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
  if (length % elementSize !== 0) throw corruptMessage('a typed array has a part of an element');
  const inPlace = owned && (bytes.byteOffset + first) % elementSize === 0;
  const buffer = inPlace ? bytes.buffer : copyOut(bytes, first, end);
  const byteOffset = inPlace ? bytes.byteOffset + first : 0;
  if (type === BUFFER_TYPE) return Buffer.from(buffer as ArrayBuffer, byteOffset, length);
  return new elementType(buffer, byteOffset, length / elementSize);
}

function copyOut(bytes: Uint8Array, start: number, end: number): ArrayBuffer {
  // Not the slice of Buffer, which shares memory; and a plain Uint8Array, whose memory is its own and no pool's.
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy.buffer;
}
