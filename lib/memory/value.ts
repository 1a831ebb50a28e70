/**
 * Value: one typed cell, or one structure, of memory that all processes see.
 */
import { CorruptSegmentError, KindError } from '../errors.js';
import { registerKind } from '../internal/handle.js';
import {
  checkCreateOptions,
  type CreateOptions,
  Opened,
  openByName,
  openOrCreate,
  type SharedObject,
} from '../internal/shared-object.js';
import type { WaitOptions } from '../internal/wait-options.js';
import type { Lock } from '../sync/lock.js';
import type { RLock } from '../sync/rlock.js';
import { atomicCell, type Cell } from './atomic-cell.js';
import {
  type ElementInput,
  type ElementType,
  elementType,
  elementTypeById,
  type ElementValue,
  type TypeCode,
} from './element-types.js';
import { type LockOption, MemoryLock } from './memory-lock.js';
import { valueClass, valueClasses } from './number-values.js';
import { createBytes, type MemoryParts, openBytes } from './shared-bytes.js';
import {
  type StructDescription,
  type StructFields,
  structFromDescription,
  type StructInput,
  StructType,
  type StructValue,
} from './struct.js';
import { ValueFacade } from './value-facade.js';

/** Options of `new Value()`. */
export interface ValueOptions extends CreateOptions {
  /** Default `true`: a new RLock. */
  readonly lock?: LockOption | undefined;
}

/**
 * One number, character or structure in shared memory.
 *
 * Nothing here but `update` ever waits. Reads and writes of `value` are single memory accesses, and `add`, `sub`,
 * `exchange` and `compareExchange` are atomic: no other process can come in between, and a process that is killed has
 * either done all of it or nothing. They do not take the lock. `value += 1` is a read and a write with a gap between
 * them: use `add(1)`.
 *
 * Integers out of range wrap around as in C; what is not an integer is refused with a TypeError.
 *
 * @typeParam T what reading gives.
 * @typeParam Input what writing takes: for 64-bit integers a bigint or a safe integer.
 */
export interface Value<T = unknown, Input = T> extends SharedObject {
  /**
   * The value. For a structure, a live object: its properties read and write shared memory one by one, and assigning
   * an object writes the fields that it has.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED) after `close()`; TypeError (ERR_MULTIPROC_ARGUMENT) when what is
   *   written does not fit the type.
   */
  get value(): T;
  set value(value: T | Input);
  /**
   * Adds atomically. Floats too: with the rounding that each addition has, none is lost.
   *
   * @returns the value before.
   * @throws ClosedError; TypeError (ERR_MULTIPROC_ARGUMENT) when the amount does not fit the type, or the type is no number.
   */
  add(amount: Input): T;
  /** Subtracts atomically; see {@link add}. */
  sub(amount: Input): T;
  /**
   * Writes atomically and returns the value before.
   *
   * @throws ClosedError; TypeError (ERR_MULTIPROC_ARGUMENT) when the value does not fit the type, or for a structure.
   */
  exchange(value: Input): T;
  /**
   * Writes `value` if `expected` is there, atomically. NaN equals NaN, 0 equals -0.
   *
   * @returns whether it was there, and so whether the value was written.
   * @throws ClosedError; TypeError (ERR_MULTIPROC_ARGUMENT) when a value does not fit the type, or for a structure.
   */
  compareExchange(expected: Input, value: Input): boolean;
  /**
   * Changes the value under its lock: `change` gets the value (a structure: a plain copy) and returns the new one. When
   * it throws, or returns what does not fit, nothing is written. When the process is killed meanwhile, the lock is handed on
   * and the value is the old one.
   *
   * @param change may return a promise; the lock is held until it settles.
   * @param options how long to wait for the lock.
   * @returns the new value.
   * @throws StateError (ERR_MULTIPROC_STATE) when made with `lock: false`; TimeoutError; ClosedError; whatever `change` throws.
   */
  update(change: (value: T) => Input | PromiseLike<Input>, options?: WaitOptions): Promise<T>;
  /** As {@link update}, but blocks the thread while it waits, and `change` must not return a promise. */
  updateSync(change: (value: T) => Input, options?: WaitOptions): T;
  /**
   * The lock that was passed in or made. One that was made closes together with this object.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) when made with `lock: false`; ClosedError.
   */
  getLock(): Lock | RLock;
  /** The memory itself: an object with a live `value`, which keeps working for as long as it is reachable. */
  getObj(): Cell<T>;
  /** The type and the value, for example `<Value int32 5>`. Never throws. */
  toString(): string;
}

/** How Values are made. */
export interface ValueConstructor {
  /**
   * Makes a Value in shared memory.
   *
   * ```js
   * const counter = new Value('i');
   * counter.add(1);
   * ```
   *
   * @param type a letter of Python's or a long name; see {@link TypeCode}.
   * @param initial default 0; nobody can see the Value without it.
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError when the name is taken; NoSpaceError.
   */
  new <const C extends TypeCode>(
    type: C,
    initial?: ElementInput<C> | null,
    options?: ValueOptions,
  ): Value<ElementValue<C>, ElementInput<C>>;
  /** Makes a structure in shared memory; fields that `initial` does not have are 0. */
  new <F extends StructFields>(
    type: StructType<F>,
    initial?: StructInput<F> | null,
    options?: ValueOptions,
  ): Value<StructValue<F>, StructInput<F>>;
  /**
   * Attaches the Value of that name.
   *
   * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when there is none; VersionError, CorruptSegmentError when it cannot be used.
   */
  open<T = number, Input = T>(name: string): Value<T, Input>;
  /**
   * Attaches the Value of that name, or makes it; `initial` and `options` then count. Two processes may do so at once.
   *
   * @throws KindError (ERR_MULTIPROC_KIND) when the one that there is has another type.
   */
  openOrCreate<const C extends TypeCode>(
    name: string,
    type: C,
    initial?: ElementInput<C> | null,
    options?: Omit<ValueOptions, 'name'>,
  ): Value<ElementValue<C>, ElementInput<C>>;
  openOrCreate<F extends StructFields>(
    name: string,
    type: StructType<F>,
    initial?: StructInput<F> | null,
    options?: Omit<ValueOptions, 'name'>,
  ): Value<StructValue<F>, StructInput<F>>;
  readonly prototype: Value;
}

/** Kept with a structure as JSON; for others, the element type is kept as a number. */
interface StructFacts {
  readonly struct: StructDescription;
}

/** Stands for a structure where an element type's number is kept. */
const structTypeId = 0;

function make(code: unknown, initial: unknown, options: ValueOptions | undefined): ValueFacade {
  const created = checkCreateOptions(options, 'create Value');
  const lock = MemoryLock.check(options?.lock, 'create Value');
  const type = code instanceof StructType ? code : elementType(code);
  const memory = new ArrayBuffer(type.byteLength);
  if (initial !== undefined && initial !== null) cellOf(type, memory).value = initial;
  const facts: StructFacts | null = type instanceof StructType ? { struct: type.describe() } : null;
  const id = type instanceof StructType ? structTypeId : type.id;
  const contents = new Uint8Array(memory);
  return facade(
    createBytes('value', { options: created, type: id, length: 1, contents, guard: MemoryLock.create(lock), facts }),
  );
}

function revive(opened: Opened, expected?: ElementType | StructType): ValueFacade {
  return facade(openBytes('value', opened.ref), expected);
}

function facade(parts: MemoryParts, expected?: ElementType | StructType): ValueFacade {
  const { attachment, buffer, meta } = parts;
  try {
    const type = parts.type === structTypeId ? structType(meta) : elementTypeById(parts.type);
    if (type === undefined || buffer.byteLength < type.byteLength) {
      throw new CorruptSegmentError(
        `Cannot open Value: element type ${parts.type} in ${buffer.byteLength} bytes makes no sense`,
      );
    }
    if (expected !== undefined && typeText(type) !== typeText(expected)) {
      throw new KindError(`Cannot open Value: it is of type ${typeText(type)}, not ${typeText(expected)}`);
    }
    const Facade = type instanceof StructType ? ValueFacade : valueClass(type);
    return new Facade({ attachment, buffer, type, cell: cellOf(type, buffer), guard: parts.guard });
  } catch (error) {
    attachment.close();
    throw error;
  }
}

function structType(meta: unknown): StructType {
  try {
    return structFromDescription((meta as StructFacts).struct);
  } catch (cause) {
    throw new CorruptSegmentError('Cannot open Value: the description of its structure is damaged', { cause });
  }
}

function typeText(type: ElementType | StructType): string {
  return type instanceof StructType ? `struct ${JSON.stringify(type.describe())}` : type.name;
}

function cellOf(type: ElementType | StructType, buffer: ArrayBuffer) {
  return type instanceof StructType ? type.cell(buffer, 0) : atomicCell(type, buffer, 0);
}

/** What users call; the objects are of the class that is fastest for their type. */
class ValueEntry {
  constructor(type: unknown, initial: unknown, options?: ValueOptions) {
    return make(type, initial, options);
  }

  static open(name: string): ValueFacade {
    return revive(openByName('value', name));
  }

  static openOrCreate(name: string, code: unknown, initial?: unknown, options?: ValueOptions): ValueFacade {
    const type = code instanceof StructType ? code : elementType(code);
    return openOrCreate(
      () => revive(openByName('value', name), type),
      () => make(code, initial, { ...options, name }),
    );
  }

  static [Symbol.hasInstance](object: unknown): boolean {
    return object instanceof ValueFacade;
  }
}

Object.defineProperty(ValueEntry, 'name', { value: 'Value' });
for (const Class of valueClasses) Object.defineProperty(Class.prototype, 'constructor', { value: ValueEntry });

/** Makes and opens Values; see {@link ValueConstructor}. */
export const Value = ValueEntry as unknown as ValueConstructor;

registerKind('value', (opened) => revive(opened));
