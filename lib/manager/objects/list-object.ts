/**
 * A list in the server.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import { argumentRangeError, argumentTypeError, NotFoundError } from '../../errors.js';
import type { Call } from '../call.js';
import { letGo } from './let-go.js';
import type { ServerObject } from './server-object.js';

/** Items of any kind, in order. */
export class ListObject implements ServerObject {
  static readonly exposed = [
    'append',
    'extend',
    'insert',
    'pop',
    'remove',
    'index',
    'count',
    'reverse',
    'sort',
    'clear',
    'slice',
    'at',
    'set',
    'length',
    'value',
  ];
  readonly #items: unknown[];

  constructor(items: readonly unknown[] = []) {
    this.#items = [...items];
  }

  append(_call: Call, item: unknown): void {
    this.#items.push(item);
  }

  extend(_call: Call, items: readonly unknown[]): void {
    for (const item of items) this.#items.push(item);
  }

  insert(_call: Call, index: number, item: unknown): void {
    this.#items.splice(checkPlace(index), 0, item);
  }

  pop(_call: Call, index = -1): unknown {
    return this.#items.splice(this.#placeOf(index, 'pop from'), 1)[0];
  }

  remove(call: Call, item: unknown): void {
    this.#items.splice(this.index(call, item), 1);
  }

  index(_call: Call, item: unknown, start = 0, stop = Infinity): number {
    const { length } = this.#items;
    const end = Math.min(fromEnd(stop, length), length);
    for (let place = Math.max(fromEnd(start, length), 0); place < end; place++)
      if (isDeepStrictEqual(this.#items[place], item)) return place;
    throw new NotFoundError(`Cannot find ${inspect(item, { depth: 0 })} in list: it is not there`);
  }

  count(_call: Call, item: unknown): number {
    return this.#items.filter((each) => isDeepStrictEqual(each, item)).length;
  }

  reverse(): void {
    this.#items.reverse();
  }

  sort(_call: Call, reverse = false): void {
    const [first] = this.#items;
    const kind = typeof first;
    const isOrdered =
      (kind === 'number' || kind === 'string' || kind === 'bigint') &&
      this.#items.every((item) => typeof item === kind);
    if (this.#items.length > 1 && !isOrdered)
      throw argumentTypeError('Cannot sort list: its items must be all numbers, all bigints or all texts');
    const sign = reverse ? -1 : 1;
    (this.#items as number[]).sort((a, b) => (a < b ? -sign : a > b ? sign : 0));
  }

  clear(): void {
    this.#items.length = 0;
  }

  slice(_call: Call, start?: number, end?: number): unknown[] {
    return this.#items.slice(start, end);
  }

  at(_call: Call, index: number): unknown {
    return this.#items.at(checkPlace(index));
  }

  set(_call: Call, index: number, item: unknown): void {
    this.#items[this.#placeOf(index, 'set an item of')] = item;
  }

  length(): number {
    return this.#items.length;
  }

  value(): readonly unknown[] {
    return this.#items;
  }

  dispose(): void {
    letGo(this.#items);
  }

  text(): string {
    return inspect(this.#items);
  }

  #placeOf(index: number, action: string): number {
    const place = fromEnd(checkPlace(index), this.#items.length);
    if (place >= 0 && place < this.#items.length) return place;
    throw argumentRangeError(
      `Cannot ${action} list: there is no place ${index}, it has ${this.#items.length} item${this.#items.length === 1 ? '' : 's'}`,
    );
  }
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function checkPlace(index: unknown): number {
  if (Number.isInteger(index)) return index as number;
  throw argumentTypeError(`Cannot use ${inspect(index, { depth: 0 })} as a place: it must be a whole number`);
}

/** Negative places count from the end. */
export function fromEnd(place: number, length: number): number {
  return place < 0 ? place + length : place;
}
