/**
 * The element types of shared memory: their codes, sizes, typed arrays and what may be written to them.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../errors.js';

/** The typed arrays that shared memory is read and written through. */
export type ElementArray =
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

interface ElementArrayConstructor {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): ElementArray;
}

/**
 * A 64-bit integer type: `q` and `int64`, `Q` and `uint64`, and C's `long` and `unsigned long`, which are as wide on
 * every supported platform. Reading gives a `bigint`; writing takes a `bigint` or a safe integer.
 */
export type BigIntTypeCode = 'q' | 'Q' | 'l' | 'L' | 'int64' | 'uint64' | 'long' | 'ulong';

/** A type of numbers: integers of 8, 16 and 32 bits, signed in lower case, and floats of 32 and 64 bits. */
export type NumberTypeCode =
  | 'b'
  | 'B'
  | 'h'
  | 'H'
  | 'i'
  | 'I'
  | 'f'
  | 'd'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'float32'
  | 'float64';

/** One byte, read as a `Buffer` of length 1. */
export type CharTypeCode = 'c' | 'char';

/** One Unicode code point in four bytes, read as a string. */
export type WideCharTypeCode = 'u' | 'wchar';

/** Code of an element type: the letter that Python uses, or the long name. */
export type TypeCode = NumberTypeCode | BigIntTypeCode | CharTypeCode | WideCharTypeCode;

/** What reading an element of type `C` gives. */
export type ElementValue<C extends TypeCode> = C extends NumberTypeCode
  ? number
  : C extends BigIntTypeCode
    ? bigint
    : C extends CharTypeCode
      ? Buffer
      : string;

/** What may be written to an element of type `C`. */
export type ElementInput<C extends TypeCode> = C extends NumberTypeCode
  ? number
  : C extends BigIntTypeCode
    ? bigint | number
    : C extends CharTypeCode
      ? Uint8Array | number
      : string;

type Raw = number | bigint;

/** One element type. `id` stands in shared memory and never changes its meaning. */
export interface ElementType {
  readonly id: number;
  readonly letter: TypeCode;
  readonly name: TypeCode;
  readonly byteLength: number;
  readonly ElementArray: ElementArrayConstructor;
  /** Integers, and nothing else, have the operations of `Atomics`. */
  readonly kind: 'integer' | 'float' | 'character';
  /** Checks a value that is to be written, and turns it into what the typed array takes. */
  toRaw(value: unknown): Raw;
  /** Turns what the typed array holds into the value that is read. */
  fromRaw(raw: Raw): unknown;
}

function refused(value: unknown, name: string, accepted: string): TypeError {
  const shown = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 60, maxArrayLength: 4 });
  return argumentTypeError(`Cannot store ${shown} as ${name}: it takes ${accepted}`);
}

const identity = (raw: Raw): Raw => raw;

function integer(name: string): (value: unknown) => number {
  return (value) => {
    if (!Number.isInteger(value)) throw refused(value, name, 'whole numbers');
    return value as number;
  };
}

function bigInteger(name: string): (value: unknown) => bigint {
  return (value) => {
    if (typeof value === 'bigint') return value;
    if (!Number.isInteger(value)) throw refused(value, name, 'a bigint or a whole number');
    if (!Number.isSafeInteger(value)) {
      throw argumentRangeError(`Cannot store ${String(value)} as ${name}: it is not a safe integer, use a bigint`);
    }
    return BigInt(value as number);
  };
}

function float(name: string): (value: unknown) => number {
  return (value) => {
    if (typeof value !== 'number') throw refused(value, name, 'numbers');
    return value;
  };
}

function byte(value: unknown): number {
  if (value instanceof Uint8Array && value.length === 1) return value[0] as number;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255) return value as number;
  throw refused(value, 'char', 'a Buffer of length 1 or a whole number from 0 to 255');
}

function codePoint(value: unknown): number {
  if (typeof value === 'string') {
    const point = value.codePointAt(0);
    if (point !== undefined && value.length === (point > 0xffff ? 2 : 1)) return point;
  }
  throw refused(value, 'wchar', 'a string of one character');
}

const replacementCharacter = 0xfffd;

function character(raw: Raw): string {
  return String.fromCodePoint(Number(raw) <= 0x10ffff ? Number(raw) : replacementCharacter);
}

const types = new Map<string, ElementType>();
const typesById: ElementType[] = [];

function define(
  letter: TypeCode,
  name: TypeCode,
  ElementArray: ElementArrayConstructor,
  rest: Omit<ElementType, 'id' | 'letter' | 'name' | 'byteLength' | 'ElementArray'>,
): void {
  const type = {
    id: typesById.length + 1,
    letter,
    name,
    byteLength: ElementArray.BYTES_PER_ELEMENT,
    ElementArray,
    ...rest,
  };
  typesById.push(type);
  types.set(letter, type);
  types.set(name, type);
}

function defineNumber(letter: TypeCode, name: TypeCode, ElementArray: ElementArrayConstructor): void {
  const isFloat = name.startsWith('float');
  const isWide = ElementArray.BYTES_PER_ELEMENT === 8;
  const toRaw = isFloat ? float(name) : isWide ? bigInteger(name) : integer(name);
  define(letter, name, ElementArray, { kind: isFloat ? 'float' : 'integer', toRaw, fromRaw: identity });
}

// The order gives the ids: append only.
define('c', 'char', Uint8Array, { kind: 'character', toRaw: byte, fromRaw: (raw) => Buffer.of(Number(raw)) });
define('u', 'wchar', Uint32Array, { kind: 'character', toRaw: codePoint, fromRaw: character });
defineNumber('b', 'int8', Int8Array);
defineNumber('B', 'uint8', Uint8Array);
defineNumber('h', 'int16', Int16Array);
defineNumber('H', 'uint16', Uint16Array);
defineNumber('i', 'int32', Int32Array);
defineNumber('I', 'uint32', Uint32Array);
defineNumber('l', 'long', BigInt64Array);
defineNumber('L', 'ulong', BigUint64Array);
defineNumber('q', 'int64', BigInt64Array);
defineNumber('Q', 'uint64', BigUint64Array);
defineNumber('f', 'float32', Float32Array);
defineNumber('d', 'float64', Float64Array);

/**
 * The element type of a code.
 *
 * @throws TypeError `ERR_MULTIPROC_ARGUMENT` for anything that is not a {@link TypeCode}.
 */
export function elementType(code: unknown): ElementType {
  const type = typeof code === 'string' ? types.get(code) : undefined;
  if (type !== undefined) return type;
  const shown = inspect(code, { depth: 0, breakLength: Infinity, maxStringLength: 60 });
  throw argumentTypeError(`Cannot use ${shown} as an element type: expected one of ${[...types.keys()].join(' ')}`);
}

/** The element type with the number that a segment holds, or `undefined` when no type has it. */
export function elementTypeById(id: number): ElementType | undefined {
  return typesById[id - 1];
}
