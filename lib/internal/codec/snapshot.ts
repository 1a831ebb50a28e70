import { types } from 'node:util';

import { isDetached } from './body.js';
import { CopyTable } from './copy-table.js';
import { hiddenKeys, kindAndName } from './error-classes.js';
import { opaqueKind } from './native-kinds.js';
import { isOrdinaryKey } from './ordinary-keys.js';
import { describeRefused, refusal, type PathStep } from './refusal.js';
import { classOfPrototype, type RegisteredClass } from './registered-classes.js';
import { isWellFormed } from './scratch.js';
import { haveSameKeys, isDense } from './shape.js';
import { sharedObjects, type HandleSource, type SharedView } from './shared-objects.js';
import { setPart, Step } from './steps.js';
import { MAX_DEPTH } from './tags.js';

// From here on the engine is faster: it grows its memory without copying what is in it.
const LONG_BUFFER = 1 << 16;
// From so many alike objects in an array on, naming their keys only once pays.
const MANY_ROWS = 16;

/** Whether a walk over an object meets keys that are not its own, because the program added some to all objects. */
function isEverythingExtended(): boolean {
  for (const _ in {}) return true;
  return false;
}

/** Stands in the copy for what the receiver makes anew. */
class Stand {
  /** Its number among what the steps make; −1 until that is known. */
  number = -1;
}

/** An end of a channel: it can be called, and travels all the same. */
function isSharedFunction(value: unknown): value is object {
  return typeof value === 'function' && sharedObjects.describe(value) !== undefined;
}

const KEYS: PathStep = { words: 'keys()' };
const VALUES: PathStep = { words: 'values()' };
const TO_DATA: PathStep = { words: 'toData()' };

/**
 * A copy of a value for a library to write: same objects, same references, but nothing that the library would lose or
 * refuse. Every property is read once, so a getter or proxy cannot show one thing here and another to the library.
 */
export class Snapshot {
  /** Whether MessagePack gives back exactly what structured clone would; there are no steps then. */
  isPlain = true;
  /** Whether there is a table: an array of objects with the same keys. */
  hasRows = false;
  /** The array whose only element is the copy. */
  readonly root: unknown[];
  /** What the receiver does to the copy to have the value; see steps.ts. */
  readonly steps: unknown[][] = [];
  /** Shared objects in the value, or `null`. */
  handles: HandleSource[] | null = null;
  readonly #copies = new CopyTable();
  readonly #path: PathStep[] = [];
  #depth = 0;
  #keys = 0;
  readonly #isExtended = isEverythingExtended();
  #made = 0;

  /** @throws NotTransferableError, with the path, for a part that cannot travel; and what getters and the like throw. */
  constructor(value: unknown) {
    const copy = this.#copy(value);
    this.root = [copy];
    if (copy instanceof Stand) this.#put(this.root, 0, copy);
    if (this.steps.length > 0) this.#settleBuffers();
  }

  #copy(value: unknown): unknown {
    if ((typeof value === 'object' && value !== null) || isSharedFunction(value)) return this.#copyObject(value);
    this.#checkScalar(value);
    return value;
  }

  #checkScalar(value: unknown): void {
    switch (typeof value) {
      case 'string':
        if (!isWellFormed(value)) this.isPlain = false;
        return;
      case 'number':
        if (value === 0 && 1 / value < 0) this.isPlain = false;
        return;
      case 'bigint':
        if (BigInt.asIntN(64, value) !== value) this.isPlain = false;
        return;
      case 'function':
      case 'symbol':
        this.#refuse(describeRefused(value), this.#depth);
    }
  }

  #copyPart(step: PathStep, value: unknown): unknown {
    this.#path[this.#depth] = step;
    return this.#copy(value);
  }

  #put(target: object, key: string | number, part: unknown): void {
    setPart(target, key, part instanceof Stand ? undefined : part);
    if (part instanceof Stand) this.steps.push([Step.PUT, target, key, part.number]);
  }

  #copyObject(object: object): object {
    const known = this.#copies.find(object);
    if (known !== undefined) {
      this.isPlain = false;
      if (known instanceof Stand && known.number < 0) {
        this.#refuse('data of a registered class that refers to its instance', this.#depth);
      }
      return known;
    }
    if (++this.#depth > MAX_DEPTH) this.#refuse(`nested deeper than ${MAX_DEPTH} levels`);
    const prototype = Object.getPrototypeOf(object) as object | null;
    let copy: object;
    if (prototype === null || prototype === Object.prototype) copy = this.#copyRecord(object);
    else if (prototype === Array.prototype && Array.isArray(object)) copy = this.#copyArray(object);
    else copy = this.#copySpecial(object, prototype);
    this.#depth--;
    return copy;
  }

  /** Copies own enumerable properties: all at once, which is fast and reads each once, then their parts. */
  #copyRecord(object: object): object {
    const copy: Record<string, unknown> = this.#copies.remember(object, { ...object });
    const path = this.#path;
    const depth = this.#depth;
    // The copy is an ordinary object without accessors, which the engine walks fastest this way.

    for (const key in copy) {
      if (this.#isExtended && !Object.hasOwn(copy, key)) break;
      if (!isOrdinaryKey(key, this.#keys++)) this.isPlain = false;
      const value = copy[key];
      path[depth] = key;
      if (typeof value === 'object' && value !== null) {
        const part = this.#copyObject(value);
        if (part === value) continue;
        // Here, and not only behind a call, because this one place then sees few kinds of objects.
        if (part instanceof Stand || key === '__proto__') this.#put(copy, key, part);
        else copy[key] = part;
      } else if (isSharedFunction(value)) {
        this.#put(copy, key, this.#copyObject(value));
      } else {
        this.#checkScalar(value);
      }
    }
    return copy;
  }

  #copyProperties<T extends object>(object: object, copy: T, keys: readonly string[] = Object.keys(object)): T {
    for (const key of keys) this.#put(copy, key, this.#copyPart(key, (object as Record<string, unknown>)[key]));
    return copy;
  }

  #copySpecial(object: object, prototype: object): object {
    const description = sharedObjects.describe(object);
    if (description !== undefined) return this.#copyShared(object, description);
    const registered = classOfPrototype(prototype);
    if (registered?.conversion !== undefined) {
      this.isPlain = false;
      const stand = this.#copies.remember(object, new Stand());
      const data: unknown[] = [];
      this.#put(data, 0, this.#copyPart(TO_DATA, registered.conversion.toData(object)));
      return this.#make(stand, [Step.CUSTOM, registered.name, data]);
    }
    if (types.isNativeError(object) || object instanceof DOMException) return this.#copyError(object, registered);
    if (registered === undefined) return this.#copyBuiltIn(object, prototype);
    this.isPlain = false;
    const stand = this.#make(this.#copies.remember(object, new Stand()), [Step.INSTANCE, registered.name]);
    this.steps.push([Step.FILL, stand.number, this.#copyProperties(object, {}), {}]);
    return stand;
  }

  #make(stand: Stand, step: unknown[]): Stand {
    this.steps.push(step);
    stand.number = this.#made++;
    return stand;
  }

  #copyShared(object: object, description: string | SharedView): Stand {
    this.isPlain = false;
    (this.handles ??= []).push({ object, description });
    const stand = this.#copies.remember(object, new Stand());
    if (typeof description === 'string') return this.#make(stand, [Step.HANDLE, description]);
    const { handle, type, byteOffset, length } = description;
    return this.#make(stand, [Step.VIEW, handle, type, byteOffset, length]);
  }

  #copyError(error: Error, registered: RegisteredClass | undefined): Stand {
    this.isPlain = false;
    const message = error instanceof DOMException ? error.message : '';
    const stand = this.#copies.remember(error, new Stand());
    this.#make(stand, [Step.ERROR, ...kindAndName(error, registered), message]);
    const hidden = this.#copyProperties(error, {}, hiddenKeys(error));
    this.steps.push([Step.FILL, stand.number, this.#copyProperties(error, {}), hidden]);
    return stand;
  }

  #copyBuiltIn(object: object, prototype: object): object {
    if (Array.isArray(object)) return this.#copyArray(object);
    if (Buffer.isBuffer(object)) return this.#copyBuffer(object);
    if (types.isMap(object)) return this.#copyMap(object);
    if (types.isSet(object)) return this.#copySet(object);
    if (ArrayBuffer.isView(object)) {
      this.#path[this.#depth] = 'buffer';
      this.#depth++;
      this.#checkBuffer(object.buffer);
      this.#depth--;
    } else if (types.isAnyArrayBuffer(object)) {
      this.#checkBuffer(object);
    } else if (types.isSymbolObject(object)) {
      this.#refuse('a symbol');
    } else if (!types.isDate(object) && !types.isRegExp(object) && !types.isBoxedPrimitive(object)) {
      const opaque = opaqueKind(object, prototype);
      if (opaque !== undefined) this.#refuse(opaque);
      return this.#copyRecord(object);
    }
    this.isPlain = false;
    // The engine copies the rest exactly, without running any code of the program.
    return this.#copies.remember(object, object);
  }

  #copyBuffer(buffer: Buffer): Stand {
    this.#checkBuffer(buffer.buffer);
    if (buffer.length >= LONG_BUFFER) this.isPlain = false;
    return this.#make(this.#copies.remember(buffer, new Stand()), [Step.BUFFER, buffer]);
  }

  /** MessagePack takes Buffers as they are; the engine does not, and would take the whole pool one may be cut from. */
  #settleBuffers(): void {
    const made = this.steps.filter(([step]) => step === Step.BUFFER);
    if (this.isPlain) {
      for (const [step, target, key, number] of this.steps) {
        if (step === Step.PUT) setPart(target as object, key as string, made[number as number]?.[1]);
      }
    } else {
      for (const step of made) step[1] = new Uint8Array(step[1] as Buffer).buffer;
    }
  }

  #checkBuffer(buffer: ArrayBufferLike): void {
    if (types.isSharedArrayBuffer(buffer)) this.#refuse('a SharedArrayBuffer that is no shared object of this library');
    if (isDetached(buffer)) this.#refuse('a detached ArrayBuffer');
  }

  #copyArray(array: readonly unknown[]): unknown[] {
    if (!isDense(array)) {
      this.isPlain = false;
      const sparse: unknown[] = this.#copies.remember(array, []);
      sparse.length = array.length;
      return this.#copyProperties(array, sparse);
    }
    const copy = this.#copies.remember(array, [...array]);
    const path = this.#path;
    const depth = this.#depth;
    const length = copy.length;
    for (let index = 0; index < length; index++) {
      path[depth] = index;
      const value = copy[index];
      if (typeof value === 'object' && value !== null) {
        const part = this.#copyObject(value);
        if (part === value) continue;
        if (part instanceof Stand) this.#put(copy, index, part);
        else copy[index] = part;
      } else if (isSharedFunction(value)) {
        this.#put(copy, index, this.#copyObject(value));
      } else {
        this.#checkScalar(value);
      }
    }
    if (length >= MANY_ROWS && haveSameKeys(copy[0], copy[length - 1])) this.hasRows = true;
    return copy;
  }

  // Both collections are copied before any part is looked at: a getter further down may change them.

  #copyMap(map: Map<unknown, unknown>): Map<unknown, unknown> {
    this.isPlain = false;
    const copy = this.#copies.remember(map, new Map());
    const entries: unknown[] = [];
    Map.prototype.forEach.call(map, (value, key) => entries.push(key, value));
    const parts = entries.map((part, index) => {
      return this.#copyPart(index % 2 === 0 ? KEYS : { mapKey: entries[index - 1] }, part);
    });
    if (!this.#collectLater(copy, parts))
      for (let at = 0; at < parts.length; at += 2) copy.set(parts[at], parts[at + 1]);
    return copy;
  }

  #copySet(set: Set<unknown>): Set<unknown> {
    this.isPlain = false;
    const copy = this.#copies.remember(set, new Set());
    const items: unknown[] = [];
    Set.prototype.forEach.call(set, (item) => items.push(item));
    const parts = items.map((item) => this.#copyPart(VALUES, item));
    if (!this.#collectLater(copy, parts)) for (const part of parts) copy.add(part);
    return copy;
  }

  /** Leaves it to the receiver to fill a collection if it has parts that the receiver makes: their order matters. */
  #collectLater(collection: object, parts: readonly unknown[]): boolean {
    if (!parts.some((part) => part instanceof Stand)) return false;
    const list: unknown[] = [];
    parts.forEach((part, index) => {
      this.#put(list, index, part);
    });
    this.steps.push([Step.COLLECT, collection, list]);
    return true;
  }

  #refuse(what: string, depth = this.#depth - 1): never {
    throw refusal(what, this.#path, depth);
  }
}
