/**
 * A dict in the server.
 */
import { inspect } from 'node:util';
import { NotFoundError } from '../../errors.js';
import type { Call } from '../call.js';
import type { ManagedKey } from '../interfaces.js';
import { checkKey } from './keys.js';
import { letGo } from './let-go.js';
import type { ServerObject } from './server-object.js';

type Entries = readonly (readonly [ManagedKey, unknown])[];

/** Values by keys, in the order in which the keys came. */
export class DictObject implements ServerObject {
  static readonly exposed = [
    'get',
    'set',
    'has',
    'delete',
    'pop',
    'popitem',
    'setdefault',
    'update',
    'keys',
    'values',
    'entries',
    'clear',
    'size',
  ];
  readonly #items = new Map<ManagedKey, unknown>();

  constructor(entries: Entries = []) {
    this.#add(entries);
  }

  get(_call: Call, key: ManagedKey, otherwise?: unknown): unknown {
    const value = this.#items.get(checkKey(key));
    return value === undefined && !this.#items.has(key) ? otherwise : value;
  }

  set(_call: Call, key: ManagedKey, value: unknown): void {
    this.#items.set(checkKey(key), value);
  }

  has(_call: Call, key: ManagedKey): boolean {
    return this.#items.has(checkKey(key));
  }

  delete(_call: Call, key: ManagedKey): boolean {
    return this.#items.delete(checkKey(key));
  }

  pop(_call: Call, key: ManagedKey, ...otherwise: readonly unknown[]): unknown {
    if (this.#items.has(checkKey(key))) {
      const value = this.#items.get(key);
      this.#items.delete(key);
      return value;
    }
    if (otherwise.length > 0) return otherwise[0];
    throw new NotFoundError(`Cannot pop ${inspect(key)} from dict: it is not there`);
  }

  popitem(): [ManagedKey, unknown] {
    const last = [...this.#items].at(-1);
    if (last === undefined) throw new NotFoundError('Cannot pop an item from dict: it is empty');
    this.#items.delete(last[0]);
    return last;
  }

  setdefault(_call: Call, key: ManagedKey, value: unknown): unknown {
    if (!this.#items.has(checkKey(key))) this.#items.set(key, value);
    return this.#items.get(key);
  }

  update(_call: Call, entries: Entries): void {
    this.#add(entries);
  }

  keys(): ManagedKey[] {
    return [...this.#items.keys()];
  }

  values(): unknown[] {
    return [...this.#items.values()];
  }

  entries(): [ManagedKey, unknown][] {
    return [...this.#items];
  }

  clear(): void {
    this.#items.clear();
  }

  size(): number {
    return this.#items.size;
  }

  dispose(): void {
    letGo(this.#items);
  }

  text(): string {
    const isPlain = this.keys().every((key) => typeof key === 'string');
    return inspect(isPlain ? Object.fromEntries(this.#items as Map<string, unknown>) : this.#items);
  }

  /** All or nothing. */
  #add(entries: Entries): void {
    for (const [key] of entries) checkKey(key);
    for (const [key, value] of entries) this.#items.set(key, value);
  }
}
