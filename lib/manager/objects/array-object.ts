/**
 * An array in the server.
 */
import { inspect } from 'node:util';
import { argumentRangeError } from '../../errors.js';
import { type ElementType, elementType } from '../../memory/element-types.js';
import type { Call } from '../call.js';
import { checkPlace, fromEnd } from './list-object.js';
import type { ServerObject } from './server-object.js';

/** Elements of one type; their number is fixed. */
export class ArrayObject implements ServerObject {
  static readonly exposed = ['at', 'set', 'add', 'slice', 'length', 'value'];
  readonly #type: ElementType;
  /** Typed arrays of both kinds of numbers have the same methods. */
  readonly #elements: Float64Array;

  /** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(type: unknown, items: readonly unknown[] | number) {
    this.#type = elementType(type);
    const length = typeof items === 'number' ? items : items.length;
    if (!Number.isInteger(length) || length < 0 || length * this.#type.byteLength > 2 ** 32)
      throw argumentRangeError(`Cannot make array: it cannot have ${length} elements`);
    const memory = new ArrayBuffer(length * this.#type.byteLength);
    this.#elements = new this.#type.ElementArray(memory) as unknown as Float64Array;
    if (typeof items !== 'number') items.forEach((item, place) => (this.#elements[place] = this.#toRaw(item)));
  }

  at(_call: Call, index: number): unknown {
    const raw = this.#elements.at(checkPlace(index));
    return raw === undefined ? undefined : this.#type.fromRaw(raw);
  }

  set(_call: Call, index: number, value: unknown): void {
    this.#elements[this.#placeOf(index)] = this.#toRaw(value);
  }

  add(_call: Call, index: number, n: unknown): unknown {
    const place = this.#placeOf(index);
    this.#elements[place] = (this.#elements[place] as number) + this.#toRaw(n);
    return this.at(_call, place);
  }

  slice(_call: Call, start?: number, end?: number): unknown[] {
    return Array.from(this.#elements.slice(start, end), (raw) => this.#type.fromRaw(raw));
  }

  length(): number {
    return this.#elements.length;
  }

  value(call: Call): unknown[] {
    return this.slice(call);
  }

  text(): string {
    const items = Array.from(this.#elements, (raw) => this.#type.fromRaw(raw));
    return `array('${this.#type.letter}', [${items.map((item) => (typeof item === 'bigint' ? String(item) : inspect(item))).join(', ')}])`;
  }

  #toRaw(value: unknown): number {
    return this.#type.toRaw(value) as number;
  }

  #placeOf(index: number): number {
    const place = fromEnd(checkPlace(index), this.#elements.length);
    if (place >= 0 && place < this.#elements.length) return place;
    throw argumentRangeError(`Cannot use place ${index} of array: it has ${this.#elements.length} elements`);
  }
}
