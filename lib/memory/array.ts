/**
 * SharedArray, also exported as Array: a typed array in memory that all processes see.
 */
import { constants } from 'node:buffer';
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError, CorruptSegmentError, KindError } from '../errors.js';
import { registerKind } from '../internal/handle.js';
import {
  checkCreateOptions,
  type CreateOptions,
  Opened,
  openByName,
  openOrCreate,
  type SharedObject,
} from '../internal/shared-object.js';
import type { Lock } from '../sync/lock.js';
import type { RLock } from '../sync/rlock.js';
import { arrayClass, type ArrayFacade, charBytes, codePoints, isArrayFacade } from './array-classes.js';
import {
  type CharTypeCode,
  type ElementInput,
  type ElementType,
  elementType,
  elementTypeById,
  type TypeCode,
  type WideCharTypeCode,
} from './element-types.js';
import { type LockOption, MemoryLock } from './memory-lock.js';
import { createBytes, type MemoryParts, openBytes } from './shared-bytes.js';

/** The typed array that an array of type `C` is. */
export type ElementArrayOf<C extends TypeCode> = C extends 'b' | 'int8'
  ? Int8Array<ArrayBuffer>
  : C extends 'B' | 'uint8' | CharTypeCode
    ? Uint8Array<ArrayBuffer>
    : C extends 'h' | 'int16'
      ? Int16Array<ArrayBuffer>
      : C extends 'H' | 'uint16'
        ? Uint16Array<ArrayBuffer>
        : C extends 'i' | 'int32'
          ? Int32Array<ArrayBuffer>
          : C extends 'I' | 'uint32' | WideCharTypeCode
            ? Uint32Array<ArrayBuffer>
            : C extends 'q' | 'int64' | 'l' | 'long'
              ? BigInt64Array<ArrayBuffer>
              : C extends 'Q' | 'uint64' | 'L' | 'ulong'
                ? BigUint64Array<ArrayBuffer>
                : C extends 'f' | 'float32'
                  ? Float32Array<ArrayBuffer>
                  : Float64Array<ArrayBuffer>;

/** Options of `new SharedArray()`. */
export interface ArrayOptions extends CreateOptions {
  /** Default `true`: a new RLock. */
  readonly lock?: LockOption | undefined;
}

/** What a shared array has beyond a typed array. */
export interface SharedArrayMembers<C extends TypeCode = TypeCode> extends SharedObject {
  /**
   * The lock that was passed in or made. One that was made closes together with this object.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) when made with `lock: false`; ClosedError.
   */
  getLock(): Lock | RLock;
  /** The same memory as a plain typed array. @throws ClosedError. */
  getObj(): ElementArrayOf<C>;
  /** `{ handle }`, so that the array can be a part of JSON and of `process.send`'s messages. */
  toJSON(): { handle: string };
}

/** What an array of `char` has: its contents as bytes. Text may be written too, it is stored as UTF-8. */
export interface CharArrayMembers {
  /** The bytes before the first 0. Writing adds a 0 when there is room. @throws RangeError when the new ones do not fit. */
  get value(): Buffer;
  set value(value: Uint8Array | string);
  /** All bytes, copied. Writing leaves those behind the new ones as they are. @throws RangeError when the new ones do not fit. */
  get raw(): Buffer;
  set raw(value: Uint8Array | string);
}

/** What an array of `wchar` has: its contents as text. */
export interface WideCharArrayMembers {
  /** The characters before the first 0. Writing adds a 0 when there is room. @throws RangeError when the new ones do not fit. */
  value: string;
}

/**
 * An array in shared memory. It **is** the typed array of its type, of fixed length: `a[i]`, `a.at(-1)`, `a.fill(0)`,
 * `Atomics.add(a, i, 1)`, iteration, and whatever else takes a typed array, all work at the same speed.
 *
 * - `slice`, `map`, `filter` copy into private memory; `subarray` gives a live view. Views travel to other processes as live memory.
 * - `a[i] = x` converts as in any typed array; the initial items are checked.
 * - Nothing here takes the lock: use `getLock()` around what belongs together.
 * - After `close()`, elements stay readable for as long as the array is reachable, since a typed array cannot refuse;
 *   everything else throws ClosedError.
 * - The death of a process leaves the elements as it last wrote them.
 */
export type SharedArray<C extends TypeCode = TypeCode> = ElementArrayOf<C> &
  SharedArrayMembers<C> &
  (C extends CharTypeCode ? CharArrayMembers : C extends WideCharTypeCode ? WideCharArrayMembers : unknown);

/** What fills a new array of type `C`. */
export type ArrayItems<C extends TypeCode> =
  | Iterable<ElementInput<C>>
  | ArrayLike<ElementInput<C>>
  | (C extends CharTypeCode ? Uint8Array | string : C extends WideCharTypeCode ? string : never);

/** How shared arrays are made. */
export interface SharedArrayConstructor {
  /**
   * Makes an array in shared memory.
   *
   * ```js
   * const totals = new SharedArray('d', 100);
   * const flags = new SharedArray('i', [1, 2, 3]);
   * ```
   *
   * @param type a letter of Python's or a long name; see {@link TypeCode}.
   * @param sizeOrItems number of elements, all 0; or the elements. For `c` also a Buffer or text, for `u` also text.
   * @throws TypeError (ERR_MULTIPROC_ARGUMENT) for items that do not fit the type; RangeError for a bad size;
   *   ExistsError when the name is taken; NoSpaceError.
   */
  new <const C extends TypeCode>(type: C, sizeOrItems: number | ArrayItems<C>, options?: ArrayOptions): SharedArray<C>;
  /**
   * Attaches the array of that name.
   *
   * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when there is none; VersionError, CorruptSegmentError when it cannot be used.
   */
  open<C extends TypeCode = TypeCode>(name: string): SharedArray<C>;
  /**
   * Attaches the array of that name, whatever its length, or makes it; the other arguments then count. Two processes may
   * do so at once.
   *
   * @throws KindError (ERR_MULTIPROC_KIND) when the one that there is has elements of another type.
   */
  openOrCreate<const C extends TypeCode>(
    name: string,
    type: C,
    sizeOrItems: number | ArrayItems<C>,
    options?: Omit<ArrayOptions, 'name'>,
  ): SharedArray<C>;
}

function make(code: unknown, sizeOrItems: unknown, options: ArrayOptions | undefined): ArrayFacade {
  const created = checkCreateOptions(options, 'create Array');
  const lock = MemoryLock.check(options?.lock, 'create Array');
  const type = elementType(code);
  const contents =
    typeof sizeOrItems === 'number' ? checkSize(sizeOrItems, type) * type.byteLength : bytesOf(type, sizeOrItems);
  const length = (typeof contents === 'number' ? contents : contents.length) / type.byteLength;
  return facade(
    createBytes('array', {
      options: created,
      type: type.id,
      length,
      contents,
      guard: MemoryLock.create(lock),
      facts: null,
    }),
  );
}

function checkSize(size: number, type: ElementType): number {
  const limit = Math.floor(constants.MAX_LENGTH / type.byteLength);
  if (Number.isInteger(size) && size >= 0 && size <= limit) return size;
  throw argumentRangeError(`Cannot create Array: the size must be an integer from 0 to ${limit}, received ${size}`);
}

/** The bytes of the initial items. */
function bytesOf(type: ElementType, items: unknown): Uint8Array {
  const elements = toElements(type, items);
  if (elements instanceof type.ElementArray)
    return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  const array = new type.ElementArray(new ArrayBuffer(elements.length * type.byteLength));
  const filled = array as Record<number, number | bigint>;
  for (let index = 0; index < elements.length; index++) filled[index] = type.toRaw(elements[index]);
  return new Uint8Array(array.buffer);
}

function toElements(type: ElementType, items: unknown): ArrayLike<unknown> {
  if (type.name === 'char' && (typeof items === 'string' || items instanceof Uint8Array)) return charBytes(items);
  if (type.name === 'wchar' && typeof items === 'string') return new Uint32Array(codePoints(items));
  if (typeof items === 'object' && items !== null) {
    if (ArrayBuffer.isView(items) && !(items instanceof DataView)) return items as unknown as ArrayLike<unknown>;
    if (Symbol.iterator in items || 'length' in items) return Array.from(items as ArrayLike<unknown>);
  }
  throw argumentTypeError(
    `Cannot create Array: expected a size or items for ${type.name}, received ${inspect(items, { depth: 0 })}`,
  );
}

function revive(opened: Opened, expected?: ElementType): ArrayFacade {
  return facade(openBytes('array', opened.ref), expected);
}

function facade(parts: MemoryParts, expected?: ElementType): ArrayFacade {
  const type = elementTypeById(parts.type);
  if (type !== undefined && expected !== undefined && type.name !== expected.name) {
    parts.attachment.close();
    throw new KindError(`Cannot open Array: its elements are of type ${type.name}, not ${expected.name}`);
  }
  const { length, buffer } = parts;
  if (type !== undefined && Number.isInteger(length) && length >= 0 && length * type.byteLength <= buffer.byteLength) {
    const Facade = arrayClass(type);
    return new Facade(parts);
  }
  parts.attachment.close();
  throw new CorruptSegmentError(
    `Cannot open Array: ${length} elements of type ${parts.type} in ${buffer.byteLength} bytes make no sense`,
  );
}

/** What users call; the objects are of the class that extends the typed array of their type. */
class SharedArrayEntry {
  constructor(type: unknown, sizeOrItems: unknown, options?: ArrayOptions) {
    return make(type, sizeOrItems, options);
  }

  static open(name: string): ArrayFacade {
    return revive(openByName('array', name));
  }

  static openOrCreate(name: string, code: unknown, sizeOrItems: unknown, options?: ArrayOptions): ArrayFacade {
    const type = elementType(code);
    return openOrCreate(
      () => revive(openByName('array', name), type),
      () => make(code, sizeOrItems, { ...options, name }),
    );
  }

  static [Symbol.hasInstance](object: unknown): boolean {
    return isArrayFacade(object);
  }
}

Object.defineProperty(SharedArrayEntry, 'name', { value: 'SharedArray' });

/** Makes and opens shared arrays; see {@link SharedArrayConstructor}. */
export const SharedArray = SharedArrayEntry as unknown as SharedArrayConstructor;

registerKind('array', (opened) => revive(opened));
