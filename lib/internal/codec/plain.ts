/**
 * Plain data, the usual case: objects and arrays of scalars and Buffers, as a tree. MessagePack carries it exactly, as long
 * as it has none of the few things that a survey looks for.
 *
 * The entry point of msgpackr without generated code and native parts is used on purpose: it has module state of its own,
 * so extensions and buffers that a program sets on its msgpackr do not change what travels here.
 */
import { isDeepStrictEqual } from 'node:util';

import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE, REUSE_BUFFER_MODE, Unpackr } from 'msgpackr/index-no-eval';

import { wholeBody } from './body.js';
import { corruptMessage } from './corrupt.js';
import { isWellFormed } from './scratch.js';
import { sharedObjects } from './shared-objects.js';
import { MAX_DEPTH, Tag } from './tags.js';

// So many objects are found again faster by looking at each than in a Set.
const FEW_OBJECTS = 16;
// Up to here the keys of an array are listed to see whether it is dense; that makes a string per element.
const FEW_ELEMENTS = 64;
// From so many alike objects in an array on, naming their keys only once pays.
const MANY_ROWS = 16;
// From here on the engine, which grows its memory without copying what is in it, is faster.
const LONG_BUFFER = 1 << 16;
// The memory of msgpackr grows with the largest message and would stay so.
const LARGE_MESSAGE = 1 << 20;
const FRESH_SIZE = 8192;

const options = {
  mapsAsObjects: true,
  variableMapSize: true,
  copyBuffers: true,
  useToJSON: false,
  structuredClone: false,
};
const maps = new Packr({ ...options, useRecords: false });
const records = new Packr({ ...options, useRecords: true });
const unpackr = new Unpackr({ ...options, useRecords: false });

/** Looks through one value. */
class Survey {
  /** Whether it has a table: an array of objects with the same keys. */
  hasRows = false;
  readonly #few: object[] = [];
  #many: Set<object> | null = null;

  /** Whether MessagePack gives back exactly what structured clone would. */
  isPlain(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return isWellFormed(value);
      case 'number':
        return value !== 0 || 1 / value > 0;
      case 'boolean':
      case 'undefined':
        return true;
      case 'bigint':
        return BigInt.asIntN(64, value) === value;
      case 'object':
        return value === null || this.#isPlainObject(value, depth);
      default:
        return false;
    }
  }

  #isPlainObject(object: object, depth: number): boolean {
    if (depth === MAX_DEPTH || this.#wasMet(object)) return false;
    const prototype = Reflect.getPrototypeOf(object);
    if (prototype === Array.prototype && Array.isArray(object)) return this.#isPlainArray(object, depth + 1);
    if (prototype !== Object.prototype) return isPlainBuffer(object);
    for (const key in object) {
      // The first is renamed by msgpackr for safety, and it keeps notes under the second.
      if (key === '__proto__' || key === '__keys__' || !isWellFormed(key)) return false;
      if (!this.isPlain((object as Record<string, unknown>)[key], depth + 1)) return false;
    }
    return true;
  }

  #isPlainArray(array: readonly unknown[], depth: number): boolean {
    if (!isDense(array)) return false;
    const length = array.length;
    for (let index = 0; index < length; index++) if (!this.isPlain(array[index], depth)) return false;
    if (length >= MANY_ROWS && haveSameKeys(array[0], array[length - 1])) this.hasRows = true;
    return true;
  }

  #wasMet(object: object): boolean {
    const few = this.#few;
    if (this.#many !== null) return this.#many.size === this.#many.add(object).size;
    const count = few.length;
    for (let index = 0; index < count; index++) if (few[index] === object) return true;
    few.push(object);
    if (count === FEW_OBJECTS) this.#many = new Set(few);
    return false;
  }
}

/** Whether an object is a Buffer that travels as its bytes, and best in MessagePack. */
function isPlainBuffer(object: object): boolean {
  if (!Buffer.isBuffer(object) || object.length >= LONG_BUFFER) return false;
  return wholeBody(object) !== undefined && sharedObjects.describe(object) === undefined;
}

function haveSameKeys(first: unknown, last: unknown): boolean {
  if (typeof first !== 'object' || first === null || typeof last !== 'object' || last === null) return false;
  return !Array.isArray(first) && isDeepStrictEqual(Object.keys(first), Object.keys(last));
}

/** Whether an array has all its elements and no other enumerable property. */
export function isDense(array: readonly unknown[]): boolean {
  const length = array.length;
  if (length <= FEW_ELEMENTS) {
    const keys = Object.keys(array);
    // Indexes come first and in order, so the last key tells about all of them.
    return keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
  }
  // A hole looks like `undefined` here, and a long run of them ends the search at once. The concatenation has the same
  // elements and none of the other properties.
  return !array.includes(undefined) && isDeepStrictEqual(array, ([] as unknown[]).concat(array));
}

const packMode = REUSE_BUFFER_MODE | RESET_BUFFER_MODE | (RESERVE_START_SPACE + 1);

/** A message in memory that the next one will overwrite. */
export interface PackedMessage extends Buffer {
  readonly start: number;
  readonly end: number;
}

/** The whole message of a value, its tag included, if the value is plain; `undefined` if it is not. */
export function packPlain(value: object): PackedMessage | undefined {
  const survey = new Survey();
  if (!survey.isPlain(value, 0)) return undefined;
  const packr = survey.hasRows ? records : maps;
  const message = packr.pack(value, packMode) as PackedMessage;
  message[message.start] = Tag.PLAIN;
  if (message.length > LARGE_MESSAGE) packr.useBuffer(Buffer.allocUnsafeSlow(FRESH_SIZE));
  return message;
}

/** Reads what `packPlain` wrote, behind the tag. */
export function unpackPlain(bytes: Uint8Array, start: number, end: number): unknown {
  // Of a Buffer, the parts that are bytes come as Buffers.
  const source = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return unpackr.unpack(source, { start, end });
  } catch (error) {
    throw corruptMessage('its MessagePack is damaged', error);
  }
}
