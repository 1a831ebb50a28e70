/**
 * Proxy of a list.
 */
import type { ManagedList } from '../interfaces.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/**
 * A list in a manager.
 *
 * ```ts
 * await using manager = await Manager();
 * const list = await manager.list([3, 1]);
 * await list.append(2);
 * await list.sort();
 * console.log(await list.value()); // [ 1, 2, 3 ]
 * ```
 */
export class ListProxy<T = unknown> extends BaseProxy implements ManagedList<T> {
  append(item: T): Promise<void> {
    return this.ask('append', [item]);
  }

  async extend(items: Iterable<T>): Promise<void> {
    await this.ask('extend', [[...items]]);
  }

  insert(index: number, item: T): Promise<void> {
    return this.ask('insert', [index, item]);
  }

  pop(index?: number): Promise<T> {
    return this.ask('pop', index === undefined ? [] : [index]);
  }

  remove(item: T): Promise<void> {
    return this.ask('remove', [item]);
  }

  index(item: T, start?: number, stop?: number): Promise<number> {
    return this.ask('index', [item, start, stop]);
  }

  count(item: T): Promise<number> {
    return this.ask('count', [item]);
  }

  reverse(): Promise<void> {
    return this.ask('reverse');
  }

  sort(options?: { readonly reverse?: boolean | undefined }): Promise<void> {
    return this.ask('sort', [options?.reverse === true]);
  }

  clear(): Promise<void> {
    return this.ask('clear');
  }

  slice(start?: number, end?: number): Promise<T[]> {
    return this.ask('slice', [start, end]);
  }

  at(index: number): Promise<T | undefined> {
    return this.ask('at', [index]);
  }

  set(index: number, item: T): Promise<void> {
    return this.ask('set', [index, item]);
  }

  length(): Promise<number> {
    return this.ask('length');
  }

  value(): Promise<T[]> {
    return this.ask('value');
  }

  /** Item by item, as they are when their turn comes. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let place = 0; ; place += 1) {
      const [item, ...none] = await this.ask<T[]>('slice', [place, place + 1]);
      if (none.length === 0 && item === undefined && (await this.length()) <= place) return;
      yield item as T;
    }
  }
}

registerProxy('list', ListProxy);
