/**
 * One element of shared memory, with the atomic operations that its type allows.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import type { ElementArray, ElementType } from './element-types.js';

/**
 * Plain memory that holds one element. It has no lock and does not know whether its object was closed: the memory
 * stays mapped for as long as the cell is reachable.
 */
export interface Cell<T> {
  /** The element; integers are read and written in one piece and in order with other shared memory. */
  value: T;
}

/** A cell with its read-modify-write operations, each of which no other process can interrupt. */
export interface AtomicCell extends Cell<unknown> {
  /** Adds and returns the value before. Integers wrap around. */
  add(amount: unknown): unknown;
  /** Subtracts and returns the value before. Integers wrap around. */
  sub(amount: unknown): unknown;
  /** Writes and returns the value before. */
  exchange(value: unknown): unknown;
  /** Writes if the cell holds `expected`, and tells whether it did. */
  compareExchange(expected: unknown, value: unknown): boolean;
}

type IntegerArray = Exclude<ElementArray, Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>;

/**
 * `Atomics` on whichever integer array. Its declarations want number and bigint arrays told apart; the element type
 * has made sure that the raw value fits its array.
 */
const atomics = Atomics as unknown as {
  load(array: IntegerArray, index: number): number | bigint;
  store(array: IntegerArray, index: number, raw: number | bigint): void;
  add(array: IntegerArray, index: number, raw: number | bigint): number | bigint;
  sub(array: IntegerArray, index: number, raw: number | bigint): number | bigint;
  exchange(array: IntegerArray, index: number, raw: number | bigint): number | bigint;
  compareExchange(array: IntegerArray, index: number, expected: number | bigint, raw: number | bigint): number | bigint;
};

class IntegerCell implements AtomicCell {
  readonly #type: ElementType;
  readonly #view: IntegerArray;
  /** One element of private memory: what a write would leave in the cell, after wrapping around. */
  readonly #wrapped: IntegerArray;

  constructor(type: ElementType, buffer: ArrayBuffer, byteOffset: number) {
    this.#type = type;
    this.#view = new type.ElementArray(buffer, byteOffset, 1) as IntegerArray;
    this.#wrapped = new type.ElementArray(new ArrayBuffer(type.byteLength)) as IntegerArray;
  }

  get value(): unknown {
    return this.#type.fromRaw(atomics.load(this.#view, 0));
  }

  set value(value: unknown) {
    atomics.store(this.#view, 0, this.#type.toRaw(value));
  }

  add(amount: unknown): unknown {
    this.#needsNumbers('add to');
    return atomics.add(this.#view, 0, this.#type.toRaw(amount));
  }

  sub(amount: unknown): unknown {
    this.#needsNumbers('subtract from');
    return atomics.sub(this.#view, 0, this.#type.toRaw(amount));
  }

  exchange(value: unknown): unknown {
    return this.#type.fromRaw(atomics.exchange(this.#view, 0, this.#type.toRaw(value)));
  }

  compareExchange(expected: unknown, value: unknown): boolean {
    const raw = this.#type.toRaw(value);
    atomics.store(this.#wrapped, 0, this.#type.toRaw(expected));
    const wanted = atomics.load(this.#wrapped, 0);
    return atomics.compareExchange(this.#view, 0, wanted, raw) === wanted;
  }

  #needsNumbers(operation: string): void {
    if (this.#type.kind === 'character') {
      throw argumentTypeError(`Cannot ${operation} a ${this.#type.name}: it holds a character, not a number`);
    }
  }

  [inspect.custom](): string {
    return `<${this.#type.name} ${inspect(this.value)}>`;
  }
}

/**
 * A float: one load or store moves it in one piece, and read-modify-write is a loop of compare-exchange on its bits.
 */
class FloatCell implements AtomicCell {
  readonly #type: ElementType;
  readonly #view: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
  readonly #bits: Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
  /** Private memory, seen as float and as bits. */
  readonly #scratch: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
  readonly #scratchBits: Int32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

  constructor(type: ElementType, buffer: ArrayBuffer, byteOffset: number) {
    const [Floats, Bits] = type.byteLength === 8 ? [Float64Array, BigInt64Array] : [Float32Array, Int32Array];
    const scratch = new ArrayBuffer(type.byteLength);
    this.#type = type;
    this.#view = new Floats(buffer, byteOffset, 1);
    this.#bits = new Bits(buffer, byteOffset, 1);
    this.#scratch = new Floats(scratch);
    this.#scratchBits = new Bits(scratch);
  }

  get value(): unknown {
    return this.#view[0];
  }

  set value(value: unknown) {
    this.#view[0] = this.#type.toRaw(value) as number;
  }

  add(amount: unknown): unknown {
    const addend = this.#type.toRaw(amount) as number;
    for (;;) {
      const before = this.#load();
      if (this.#replace(before + addend)) return before;
    }
  }

  sub(amount: unknown): unknown {
    return this.add(-(this.#type.toRaw(amount) as number));
  }

  exchange(value: unknown): unknown {
    const raw = this.#type.toRaw(value) as number;
    for (;;) {
      const before = this.#load();
      if (this.#replace(raw)) return before;
    }
  }

  compareExchange(expected: unknown, value: unknown): boolean {
    const raw = this.#type.toRaw(value) as number;
    this.#scratch[0] = this.#type.toRaw(expected) as number;
    const wanted = this.#scratch[0];
    for (;;) {
      const before = this.#load();
      // NaN is found by NaN, and 0 by -0: the comparison is that of `includes`, not that of bits.
      if (before !== wanted && !(Number.isNaN(before) && Number.isNaN(wanted))) return false;
      if (this.#replace(raw)) return true;
    }
  }

  #before: number | bigint = 0;

  #load(): number {
    this.#before = atomics.load(this.#bits, 0);
    atomics.store(this.#scratchBits, 0, this.#before);
    return this.#scratch[0] as number;
  }

  /** Writes `after` unless somebody has written since the last `#load`. */
  #replace(after: number): boolean {
    this.#scratch[0] = after;
    return (
      atomics.compareExchange(this.#bits, 0, this.#before, this.#scratchBits[0] as number | bigint) === this.#before
    );
  }

  [inspect.custom](): string {
    return `<${this.#type.name} ${inspect(this.value)}>`;
  }
}

/** The element of type `type` at `byteOffset`, which must be a multiple of the type's size. */
export function atomicCell(type: ElementType, buffer: ArrayBuffer, byteOffset: number): AtomicCell {
  return type.kind === 'float' ? new FloatCell(type, buffer, byteOffset) : new IntegerCell(type, buffer, byteOffset);
}
