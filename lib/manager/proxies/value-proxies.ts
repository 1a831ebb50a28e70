/**
 * Proxies of values and arrays.
 */
import type { ManagedArray, ManagedValue } from '../interfaces.js';
import { BaseProxy } from './proxy.js';
import { registerProxy } from './revive.js';

/**
 * A value in a manager. Its type is for people, as in Python: anything can be set.
 *
 * ```ts
 * await using manager = await Manager();
 * const counter = await manager.Value('i', 0);
 * await counter.add(1);
 * console.log(await counter.get()); // 1
 * ```
 */
export class ValueProxy<T = unknown> extends BaseProxy implements ManagedValue<T> {
  get(): Promise<T> {
    return this.ask('get');
  }

  set(value: T): Promise<void> {
    return this.ask('set', [value]);
  }

  add(n: T extends bigint ? bigint : number): Promise<T> {
    return this.ask('add', [n]);
  }

  compareExchange(expected: T, value: T): Promise<boolean> {
    return this.ask('compareExchange', [expected, value]);
  }

  value(): Promise<T> {
    return this.get();
  }
}

/**
 * An array in a manager: elements of one type, their number fixed.
 *
 * ```ts
 * await using manager = await Manager();
 * const numbers = await manager.Array('i', [0, 1, 2]);
 * await numbers.set(0, 5);
 * console.log(await numbers.value()); // [ 5, 1, 2 ]
 * ```
 */
export class ArrayProxy<T = number> extends BaseProxy implements ManagedArray<T> {
  at(index: number): Promise<T | undefined> {
    return this.ask('at', [index]);
  }

  set(index: number, value: T): Promise<void> {
    return this.ask('set', [index, value]);
  }

  add(index: number, n: T): Promise<T> {
    return this.ask('add', [index, n]);
  }

  slice(start?: number, end?: number): Promise<T[]> {
    return this.ask('slice', [start, end]);
  }

  length(): Promise<number> {
    return this.ask('length');
  }

  value(): Promise<T[]> {
    return this.ask('value');
  }

  /** The elements as they are at the first step. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.value();
  }
}

registerProxy('Value', ValueProxy);
registerProxy('Array', ArrayProxy);
