/**
 * Proxy of a set.
 */
import type { ManagedKey, ManagedSet } from '../interfaces.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/**
 * A set in a manager.
 *
 * ```ts
 * await using manager = await Manager();
 * const seen = await manager.set(['a']);
 * await seen.add('b');
 * console.log(await seen.has('a')); // true
 * ```
 */
export class SetProxy<T extends ManagedKey = ManagedKey> extends BaseProxy implements ManagedSet<T> {
  add(item: T): Promise<void> {
    return this.ask('add', [item]);
  }

  has(item: T): Promise<boolean> {
    return this.ask('has', [item]);
  }

  delete(item: T): Promise<boolean> {
    return this.ask('delete', [item]);
  }

  pop(): Promise<T> {
    return this.ask('pop');
  }

  async update(items: Iterable<T>): Promise<void> {
    await this.ask('update', [[...items]]);
  }

  clear(): Promise<void> {
    return this.ask('clear');
  }

  size(): Promise<number> {
    return this.ask('size');
  }

  value(): Promise<Set<T>> {
    return this.ask('value');
  }

  /** The items as they are at the first step. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.value();
  }
}

registerProxy('set', SetProxy);
