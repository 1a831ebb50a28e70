/**
 * Proxy of a dict.
 */
import type { DictItems, ManagedDict, ManagedKey } from '../interfaces.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/** The entries of what a dict can be made of. @internal */
export function entriesOf<K extends ManagedKey, V>(items: DictItems<K, V>): (readonly [K, V])[] {
  return Symbol.iterator in items
    ? [...(items as Iterable<readonly [K, V]>)]
    : (Object.entries(items) as unknown as [K, V][]);
}

/**
 * A dict in a manager.
 *
 * ```ts
 * await using manager = await Manager();
 * const ages = await manager.dict({ Ada: 36 });
 * await ages.set('Alan', 41);
 * for await (const [name, age] of ages) console.log(name, age);
 * ```
 */
export class DictProxy<K extends ManagedKey = string, V = unknown> extends BaseProxy implements ManagedDict<K, V> {
  get(key: K): Promise<V | undefined>;
  get(key: K, otherwise: V): Promise<V>;
  get(key: K, otherwise?: V): Promise<V | undefined> {
    return this.ask('get', otherwise === undefined ? [key] : [key, otherwise]);
  }

  set(key: K, value: V): Promise<void> {
    return this.ask('set', [key, value]);
  }

  has(key: K): Promise<boolean> {
    return this.ask('has', [key]);
  }

  delete(key: K): Promise<boolean> {
    return this.ask('delete', [key]);
  }

  pop(key: K, ...otherwise: readonly V[]): Promise<V> {
    return this.ask('pop', [key, ...otherwise]);
  }

  popitem(): Promise<[K, V]> {
    return this.ask('popitem');
  }

  setdefault(key: K, value: V): Promise<V> {
    return this.ask('setdefault', [key, value]);
  }

  async update(items: DictItems<K, V>): Promise<void> {
    await this.ask('update', [entriesOf(items)]);
  }

  keys(): Promise<K[]> {
    return this.ask('keys');
  }

  values(): Promise<V[]> {
    return this.ask('values');
  }

  entries(): Promise<[K, V][]> {
    return this.ask('entries');
  }

  clear(): Promise<void> {
    return this.ask('clear');
  }

  size(): Promise<number> {
    return this.ask('size');
  }

  copy(): Promise<Record<string, V> | Map<K, V>> {
    return this.value();
  }

  async value(): Promise<Record<string, V> | Map<K, V>> {
    const entries = await this.entries();
    return entries.every(([key]) => typeof key === 'string')
      ? Object.fromEntries(entries as unknown as [string, V][])
      : new Map(entries);
  }

  /** The entries as they are at the first step. */
  async *[Symbol.asyncIterator](): AsyncGenerator<[K, V], void, undefined> {
    yield* await this.entries();
  }
}

registerProxy('dict', DictProxy);
