/**
 * The classes behind `new SharedArray(…)`: for each element type one that extends its typed array.
 */
import { inspect, type InspectOptions } from 'node:util';
import { argumentRangeError, argumentTypeError, ClosedError } from '../errors.js';
import { call, native } from '../internal/native.js';
import { adoptFacade, type Attachment, closeFacade, type SharedObject } from '../internal/shared-object.js';
import type { Lock } from '../sync/lock.js';
import type { RLock } from '../sync/rlock.js';
import type { ElementArray, ElementType } from './element-types.js';
import { exposeMemory } from './live-memory.js';
import { type MemoryLock, requireLock } from './memory-lock.js';
import type { MemoryParts } from './shared-bytes.js';

/** What a facade of an array is made of. */
export type ArrayParts = Pick<MemoryParts, 'attachment' | 'buffer' | 'length' | 'guard'>;

type ElementArrayClass = new (buffer: ArrayBuffer, byteOffset: number, length: number) => ElementArray;
/** An array's facade as this library handles it, whatever its type. */
export type ArrayFacade = ElementArray & SharedObject;
export type ArrayFacadeClass = new (parts: ArrayParts) => ArrayFacade;

const classes = new Map<ElementType, ArrayFacadeClass>();

/** The class for arrays of a type, made at its first use. */
export function arrayClass(type: ElementType): ArrayFacadeClass {
  let Class = classes.get(type);
  if (Class === undefined) {
    Class = sharedArrayClass(type);
    if (type.name === 'char') Class = charArrayClass(Class);
    if (type.name === 'wchar') Class = wideCharArrayClass(Class);
    classes.set(type, Class);
  }
  return Class;
}

/** Is it an array of ours (and not a view of one)? */
export function isArrayFacade(object: unknown): object is ArrayFacade {
  return typeof object === 'object' && object !== null && facades.has(object);
}

const facades = new WeakSet<object>();

function sharedArrayClass(type: ElementType): ArrayFacadeClass {
  const Plain = type.ElementArray as unknown as ElementArrayClass;
  // The cast gives TypeScript one typed array to extend; which one it is makes no difference to what follows.
  const Base = Plain as new (buffer: ArrayBuffer, byteOffset: number, length: number) => Int32Array<ArrayBuffer>;

  class SharedTypedArray extends Base implements SharedObject {
    readonly #at: Attachment;
    readonly #guard: MemoryLock | null;

    constructor({ attachment, buffer, length, guard }: ArrayParts) {
      super(buffer, 0, length);
      this.#at = attachment;
      this.#guard = guard;
      facades.add(this);
      adoptFacade(this, attachment);
      exposeMemory(buffer, this, attachment);
    }

    /** What `slice`, `map` and `filter` make is private memory, and what `subarray` makes is a plain view. */
    static get [Symbol.species](): unknown {
      return Plain;
    }

    get handle(): string {
      return this.#at.core.handle;
    }

    get closed(): boolean {
      return this.#at.closed;
    }

    close(): void {
      closeFacade(this, this.#at);
    }

    [Symbol.dispose](): void {
      this.close();
    }

    unlink(): boolean {
      this.#at.assertOpen('unlink Array');
      return call(() => native.unlink(this.#at.ref));
    }

    getLock(): Lock | RLock {
      this.#at.assertOpen('get the lock of Array');
      return requireLock(this.#guard, 'get the lock of Array');
    }

    getObj(): ElementArray {
      this.#at.assertOpen('get the memory of Array');
      return new Plain(this.buffer, 0, this.length);
    }

    toJSON(): { handle: string } {
      return { handle: this.handle };
    }

    [inspect.custom](_depth: number, options: InspectOptions): string {
      const state = this.closed ? 'closed ' : '';
      return `${state}Shared${inspect(new Plain(this.buffer, 0, this.length), options)}`;
    }
  }

  return SharedTypedArray;
}

function checkOpen(array: SharedObject): void {
  if (array.closed) throw new ClosedError('Cannot use the text of Array: it is closed');
}

function charArrayClass(Base: ArrayFacadeClass): ArrayFacadeClass {
  // As above: one typed array for TypeScript to extend.
  const Bytes = Base as unknown as new (parts: ArrayParts) => Uint8Array<ArrayBuffer> & SharedObject;

  class SharedCharArray extends Bytes {
    get value(): Buffer {
      const bytes = this.raw;
      const end = bytes.indexOf(0);
      return end < 0 ? bytes : bytes.subarray(0, end);
    }

    set value(value: Uint8Array | string) {
      checkOpen(this);
      const bytes = this.#fitting(value);
      this.set(bytes);
      if (bytes.length < this.length) this[bytes.length] = 0;
    }

    get raw(): Buffer {
      checkOpen(this);
      return Buffer.from(Uint8Array.prototype.slice.call(this));
    }

    set raw(value: Uint8Array | string) {
      checkOpen(this);
      this.set(this.#fitting(value));
    }

    #fitting(value: unknown): Uint8Array {
      const bytes = charBytes(value);
      checkFit(bytes.length, this.length, 'bytes');
      return bytes;
    }
  }

  return SharedCharArray;
}

function wideCharArrayClass(Base: ArrayFacadeClass): ArrayFacadeClass {
  const CodePoints = Base as unknown as new (parts: ArrayParts) => Uint32Array<ArrayBuffer> & SharedObject;

  class SharedWideCharArray extends CodePoints {
    get value(): string {
      checkOpen(this);
      const end = this.indexOf(0);
      let text = '';
      for (const point of end < 0 ? this : this.subarray(0, end))
        text += point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
      return text;
    }

    set value(value: string) {
      checkOpen(this);
      const points = codePoints(value);
      checkFit(points.length, this.length, 'characters');
      this.set(points);
      if (points.length < this.length) this[points.length] = 0;
    }
  }

  return SharedWideCharArray;
}

function checkFit(given: number, length: number, unit: string): void {
  if (given > length) throw argumentRangeError(`Cannot write ${given} ${unit} to an Array of ${length}`);
}

/** What initialises or replaces the contents of an array of `char`: bytes, or text as UTF-8. */
export function charBytes(value: unknown): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof Uint8Array) return value;
  throw argumentTypeError(
    `Cannot write ${inspect(value, { depth: 0 })} to an Array of char: expected a Buffer or a string`,
  );
}

/** The same for an array of `wchar`. */
export function codePoints(value: unknown): number[] {
  if (typeof value !== 'string') {
    throw argumentTypeError(`Cannot write ${inspect(value, { depth: 0 })} to an Array of wchar: expected a string`);
  }
  return Array.from(value, (character) => character.codePointAt(0) as number);
}
