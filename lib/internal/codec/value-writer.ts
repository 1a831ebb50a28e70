import { inspect, isDeepStrictEqual } from 'node:util';

import { NotTransferableError } from '../../errors.js';
import { ByteWriter } from './byte-writer.js';
import { MAX_RECORD_KEYS, RecordWriter } from './records.js';
import type { HandleSource } from './shared-objects.js';
import { writeSpecial } from './special-writer.js';
import { MAX_DEPTH, Tag } from './tags.js';

// So many objects are found again faster by looking at each than in a Map.
const FEW_OBJECTS = 16;
// Up to here the keys of an array are listed to see whether it is dense; that makes a string per element.
const FEW_ELEMENTS = 64;

const TO_DATA: Step = { words: 'toData()' };

// A longer way to a value is cut off in messages.
const SHOWN_STEPS = 32;

/** A step from a value to a part of it: an array index, a property key, the value of a Map's key, or other words. */
export type Step = string | number | { readonly words: string } | { readonly mapKey: unknown };

/**
 * Writes a value in one walk. Every property is read once, so a getter or proxy cannot show one thing to a check and
 * another to the writer.
 */
export class ValueWriter extends ByteWriter {
  /** Shared objects met so far, or `null`. */
  handles: HandleSource[] | null = null;
  readonly #records = new RecordWriter();
  readonly #few: (object | null)[] = new Array<null>(FEW_OBJECTS).fill(null);
  #many: Map<object, number> | null = null;
  #objects = 0;
  #unfinished: Set<number> | null = null;
  readonly #path: Step[] = [];
  #depth = 0;

  /** Writes a whole message at the beginning of `bytes` and gives its length. */
  writeMessage(value: unknown): number {
    this.restart();
    this.handles = null;
    this.#records.startMessage();
    try {
      this.write(value);
      return this.position;
    } finally {
      this.#forget();
    }
  }

  // What was sent must not stay reachable from here.
  #forget(): void {
    const few = Math.min(this.#objects, FEW_OBJECTS);
    for (let index = 0; index < few; index++) this.#few[index] = null;
    this.#many = null;
    this.#objects = 0;
    this.#unfinished = null;
    this.#depth = 0;
  }

  write(value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.writeString(value);
        return;
      case 'number':
        this.writeNumber(value);
        return;
      case 'boolean':
        this.writeTag(value ? Tag.TRUE : Tag.FALSE);
        return;
      case 'undefined':
        this.writeTag(Tag.UNDEFINED);
        return;
      case 'bigint':
        this.writeBigint(value);
        return;
      case 'object':
        if (value === null) this.writeTag(Tag.NULL);
        else this.#writeObject(value);
        return;
      default:
        this.#refuseAt(this.#depth, typeof value === 'symbol' ? String(value) : `a function (${functionName(value)})`);
    }
  }

  writeTag(tag: number): void {
    this.reserve(1);
    this.writeByte(tag);
  }

  #writeObject(object: object): void {
    const known = this.#find(object);
    if (known >= 0) {
      if (this.#unfinished?.has(known) === true) {
        this.#refuseAt(this.#depth, 'data of a registered class that refers to its instance');
      }
      this.writeTag(Tag.REFERENCE);
      this.writeVarint(known);
      return;
    }
    if (++this.#depth > MAX_DEPTH) this.refuse(`nested deeper than ${MAX_DEPTH} levels`);
    const prototype = Reflect.getPrototypeOf(object);
    if (prototype === Object.prototype) this.writeProperties(object);
    else if (prototype === Array.prototype && Array.isArray(object)) this.writeArray(object);
    else writeSpecial(this, object, prototype);
    this.#depth--;
  }

  /** The number of an object met before, or −1 after numbering it. */
  #find(object: object): number {
    const many = this.#many;
    if (many !== null) {
      const known = many.get(object);
      if (known !== undefined) return known;
      many.set(object, this.#objects++);
      return -1;
    }
    const few = this.#few;
    const count = this.#objects;
    for (let index = 0; index < count; index++) if (few[index] === object) return index;
    if (count === FEW_OBJECTS) {
      this.#many = new Map(few.map((each, index) => [each as object, index]));
      this.#many.set(object, count);
    } else {
      few[count] = object;
    }
    this.#objects = count + 1;
    return -1;
  }

  /** Writes own enumerable properties as a plain object. */
  writeProperties(object: object): void {
    const keys = Object.keys(object);
    const count = keys.length;
    if (count > MAX_RECORD_KEYS) {
      this.writeTag(Tag.OBJECT);
      this.writePairs(object, keys);
      return;
    }
    this.#records.write(this, keys);
    const path = this.#path;
    const depth = this.#depth;
    for (let index = 0; index < count; index++) {
      const key = keys[index] as string;
      path[depth] = key;
      this.write((object as Record<string, unknown>)[key]);
    }
  }

  /** Writes a count, and keys with their values. */
  writePairs(object: object, keys: readonly string[]): void {
    this.writeVarint(keys.length);
    for (const key of keys) {
      this.writeString(key);
      this.writePart(key, (object as Record<string, unknown>)[key]);
    }
  }

  /** Writes a part of the current object; `step` says where it is, should it be refused. */
  writePart(step: Step, value: unknown): void {
    this.#path[this.#depth] = step;
    this.write(value);
  }

  writeArray(array: readonly unknown[]): void {
    const length = array.length;
    if (isDense(array, length)) {
      this.writeTag(Tag.ARRAY);
      this.writeVarint(length);
      const path = this.#path;
      const depth = this.#depth;
      for (let index = 0; index < length; index++) {
        path[depth] = index;
        this.write(array[index]);
      }
      return;
    }
    this.writeTag(Tag.SPARSE_ARRAY);
    this.writeVarint(length);
    this.writePairs(array, Object.keys(array));
  }

  /**
   * Writes what stands for the current object and cannot be read back before it is complete; a reference from inside to
   * the object itself is refused.
   */
  writeStandIn(value: unknown): void {
    const number = this.#objects - 1;
    const unfinished = (this.#unfinished ??= new Set());
    unfinished.add(number);
    this.writePart(TO_DATA, value);
    unfinished.delete(number);
  }

  addHandle(source: HandleSource): void {
    (this.handles ??= []).push(source);
  }

  /** Throws the error for an object being written that turns out not to be able to travel. */
  refuse(what: string): never {
    this.#refuseAt(this.#depth - 1, what);
  }

  #refuseAt(depth: number, what: string): never {
    const shown = Math.min(depth, SHOWN_STEPS);
    let path = '';
    for (let level = 1; level <= shown; level++) path += stepText(this.#path[level] as Step);
    if (shown < depth) path += '…';
    throw new NotTransferableError(`Cannot send a value: ${what}${path === '' ? '' : ` at ${path}`}`, { path });
  }
}

function stepText(step: Step): string {
  if (typeof step === 'number') return `[${step}]`;
  if (typeof step === 'object')
    return 'words' in step ? `.${step.words}` : `.get(${inspect(step.mapKey, { depth: 0 })})`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function functionName(value: unknown): string {
  const name: unknown = (value as { readonly name: unknown }).name;
  return typeof name === 'string' && name !== '' ? name : 'anonymous';
}

/** Whether an array has all its elements and no other enumerable property. */
function isDense(array: readonly unknown[], length: number): boolean {
  if (length <= FEW_ELEMENTS) {
    const keys = Object.keys(array);
    // Indexes come first and in order, so the last key tells about all of them.
    return keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
  }
  // A hole looks like `undefined` here, and a long run of them ends the search at once. A slice has the same elements
  // and none of the other properties.
  return !array.includes(undefined) && isDeepStrictEqual(array, Array.prototype.slice.call(array));
}
