import { types } from 'node:util';

import { isDetached } from './body.js';
import { hiddenKeys, kindAndName } from './error-classes.js';
import { opaqueKind } from './native-kinds.js';
import { isDense } from './plain.js';
import { describeRefused, refusal, type PathStep } from './refusal.js';
import { classOfPrototype, type RegisteredClass } from './registered-classes.js';
import { sharedObjects, type HandleSource, type SharedView } from './shared-objects.js';
import { setPart, Step } from './steps.js';
import { MAX_DEPTH } from './tags.js';

/** Stands in the copy for what the receiver makes anew. */
class Stand {
  /** Its number among what the steps make; −1 until that is known. */
  number = -1;
}

const KEYS: PathStep = { words: 'keys()' };
const VALUES: PathStep = { words: 'values()' };
const TO_DATA: PathStep = { words: 'toData()' };

/**
 * A copy of a value for the engine to write: same objects, same references, but nothing that the engine would lose or
 * refuse. Every property is read once, so a getter or proxy cannot show one thing here and another to the engine.
 */
export class Snapshot {
  /** The array whose only element is the copy. */
  readonly root: readonly unknown[];
  /** What the receiver does to the copy to have the value; see steps.ts. */
  readonly steps: (readonly unknown[])[] = [];
  /** Shared objects in the value, or `null`. */
  handles: HandleSource[] | null = null;
  readonly #copies = new Map<object, object>();
  readonly #path: PathStep[] = [];
  #depth = 0;
  #made = 0;

  /** @throws NotTransferableError, with the path, for a part that cannot travel; and what getters and the like throw. */
  constructor(value: unknown) {
    const root: unknown[] = [];
    this.#put(root, 0, this.#copy(value));
    this.root = root;
  }

  #copy(value: unknown): unknown {
    if (typeof value === 'function' || typeof value === 'symbol') this.#refuse(describeRefused(value), this.#depth);
    return typeof value === 'object' && value !== null ? this.#copyObject(value) : value;
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
    const known = this.#copies.get(object);
    if (known !== undefined) {
      if (known instanceof Stand && known.number < 0) {
        this.#refuse('data of a registered class that refers to its instance', this.#depth);
      }
      return known;
    }
    if (++this.#depth > MAX_DEPTH) this.#refuse(`nested deeper than ${MAX_DEPTH} levels`);
    const prototype = Reflect.getPrototypeOf(object);
    const copy =
      prototype === null || prototype === Object.prototype
        ? this.#copyProperties(object, this.#remember(object, {}))
        : this.#copySpecial(object, prototype);
    this.#depth--;
    return copy;
  }

  #remember<T extends object>(object: object, copy: T): T {
    this.#copies.set(object, copy);
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
      const stand = this.#remember(object, new Stand());
      const data: unknown[] = [];
      this.#put(data, 0, this.#copyPart(TO_DATA, registered.conversion.toData(object)));
      return this.#make(stand, [Step.CUSTOM, registered.name, data]);
    }
    if (types.isNativeError(object) || object instanceof DOMException) return this.#copyError(object, registered);
    if (registered === undefined) return this.#copyBuiltIn(object, prototype);
    const stand = this.#make(this.#remember(object, new Stand()), [Step.INSTANCE, registered.name]);
    this.steps.push([Step.FILL, stand.number, this.#copyProperties(object, {}), {}]);
    return stand;
  }

  #make(stand: Stand, step: readonly unknown[]): Stand {
    this.steps.push(step);
    stand.number = this.#made++;
    return stand;
  }

  #copyShared(object: object, description: string | SharedView): Stand {
    (this.handles ??= []).push({ object, description });
    const stand = this.#remember(object, new Stand());
    if (typeof description === 'string') return this.#make(stand, [Step.HANDLE, description]);
    const { handle, type, byteOffset, length } = description;
    return this.#make(stand, [Step.VIEW, handle, type, byteOffset, length]);
  }

  #copyError(error: Error, registered: RegisteredClass | undefined): Stand {
    const message = error instanceof DOMException ? error.message : '';
    const stand = this.#remember(error, new Stand());
    this.#make(stand, [Step.ERROR, ...kindAndName(error, registered), message]);
    const hidden = this.#copyProperties(error, {}, hiddenKeys(error));
    this.steps.push([Step.FILL, stand.number, this.#copyProperties(error, {}), hidden]);
    return stand;
  }

  #copyBuiltIn(object: object, prototype: object): object {
    if (Array.isArray(object)) return this.#copyArray(object);
    if (types.isMap(object)) return this.#copyMap(object);
    if (types.isSet(object)) return this.#copySet(object);
    if (Buffer.isBuffer(object)) {
      this.#checkBuffer(object.buffer);
      // Its bytes only: what else is in the pool it may be cut from is nobody's business.
      return this.#make(this.#remember(object, new Stand()), [Step.BUFFER, new Uint8Array(object).buffer]);
    }
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
      return this.#copyProperties(object, this.#remember(object, {}));
    }
    // The engine copies the rest exactly, without running any code of the program.
    return this.#remember(object, object);
  }

  #checkBuffer(buffer: ArrayBufferLike): void {
    if (types.isSharedArrayBuffer(buffer)) this.#refuse('a SharedArrayBuffer that is no shared object of this library');
    if (isDetached(buffer)) this.#refuse('a detached ArrayBuffer');
  }

  #copyArray(array: readonly unknown[]): unknown[] {
    const copy: unknown[] = this.#remember(array, []);
    if (!isDense(array)) {
      copy.length = array.length;
      return this.#copyProperties(array, copy);
    }
    const length = array.length;
    for (let index = 0; index < length; index++) this.#put(copy, index, this.#copyPart(index, array[index]));
    return copy;
  }

  // Both collections are copied before any part is looked at: a getter further down may change them.

  #copyMap(map: Map<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.#remember(map, new Map());
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
    const copy = this.#remember(set, new Set());
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
