/**
 * A set in the server.
 */
import { inspect } from 'node:util';
import { NotFoundError } from '../../errors.js';
import type { Call } from '../call.js';
import type { ManagedKey } from '../interfaces.js';
import { checkKey } from './keys.js';
import type { ServerObject } from './server-object.js';

/** Keys, in the order in which they came. */
export class SetObject implements ServerObject {
  static readonly exposed = ['add', 'has', 'delete', 'pop', 'update', 'clear', 'size', 'value'];
  readonly #items = new Set<ManagedKey>();

  constructor(items: readonly ManagedKey[] = []) {
    this.update(undefined, items);
  }

  add(_call: Call, item: ManagedKey): void {
    this.#items.add(checkKey(item));
  }

  has(_call: Call, item: ManagedKey): boolean {
    return this.#items.has(checkKey(item));
  }

  delete(_call: Call, item: ManagedKey): boolean {
    return this.#items.delete(checkKey(item));
  }

  pop(): ManagedKey {
    const [first] = this.#items;
    if (first === undefined) throw new NotFoundError('Cannot pop an item from set: it is empty');
    this.#items.delete(first);
    return first;
  }

  /** All or nothing. */
  update(_call: Call | undefined, items: readonly ManagedKey[]): void {
    items.forEach(checkKey);
    for (const item of items) this.#items.add(item);
  }

  clear(): void {
    this.#items.clear();
  }

  size(): number {
    return this.#items.size;
  }

  value(): Set<ManagedKey> {
    return this.#items;
  }

  text(): string {
    return inspect(this.#items);
  }
}
