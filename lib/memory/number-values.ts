/**
 * Values of number types. Reading, writing and adding are what programs do in their inner loops, so each type spells
 * them out over a typed array of its own: shared code would see typed arrays of many types in one place, and the
 * compiler makes such an access ten times slower.
 *
 * `close()` puts an empty array in place of the memory, so that the bounds check that every access has anyway also finds
 * what is closed.
 */
import type { ElementType } from './element-types.js';
import { ValueFacade, type ValueParts } from './value-facade.js';

/**
 * Whether plain loads are ordered as `Atomics.load` orders them. On x64 both are the same machine instruction, but the
 * plain one is compiled in line, which makes it twenty times faster.
 */
const plainLoadsAreOrdered = process.arch === 'x64';

function load(view: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array): number | undefined {
  return view.length === 0 ? undefined : Atomics.load(view, 0);
}

function loadBig(view: BigInt64Array | BigUint64Array): bigint | undefined {
  return view.length === 0 ? undefined : Atomics.load(view, 0);
}

class Int8Value extends ValueFacade {
  #view: Int8Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Int8Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = plainLoadsAreOrdered ? this.#view[0] : load(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, Number.isInteger(value) ? value : (this.raw(value) as number));
  }

  override add(amount: number): number {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, Number.isInteger(amount) ? amount : (this.raw(amount) as number));
  }

  override close(): void {
    super.close();
    this.#view = new Int8Array(0);
  }
}

class Uint8Value extends ValueFacade {
  #view: Uint8Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Uint8Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = plainLoadsAreOrdered ? this.#view[0] : load(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, Number.isInteger(value) ? value : (this.raw(value) as number));
  }

  override add(amount: number): number {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, Number.isInteger(amount) ? amount : (this.raw(amount) as number));
  }

  override close(): void {
    super.close();
    this.#view = new Uint8Array(0);
  }
}

class Int16Value extends ValueFacade {
  #view: Int16Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Int16Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = plainLoadsAreOrdered ? this.#view[0] : load(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, Number.isInteger(value) ? value : (this.raw(value) as number));
  }

  override add(amount: number): number {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, Number.isInteger(amount) ? amount : (this.raw(amount) as number));
  }

  override close(): void {
    super.close();
    this.#view = new Int16Array(0);
  }
}

class Uint16Value extends ValueFacade {
  #view: Uint16Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Uint16Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = plainLoadsAreOrdered ? this.#view[0] : load(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, Number.isInteger(value) ? value : (this.raw(value) as number));
  }

  override add(amount: number): number {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, Number.isInteger(amount) ? amount : (this.raw(amount) as number));
  }

  override close(): void {
    super.close();
    this.#view = new Uint16Array(0);
  }
}

class Int32Value extends ValueFacade {
  #view: Int32Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Int32Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = plainLoadsAreOrdered ? this.#view[0] : load(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, Number.isInteger(value) ? value : (this.raw(value) as number));
  }

  override add(amount: number): number {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, Number.isInteger(amount) ? amount : (this.raw(amount) as number));
  }

  override close(): void {
    super.close();
    this.#view = new Int32Array(0);
  }
}

class Uint32Value extends ValueFacade {
  #view: Uint32Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Uint32Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = plainLoadsAreOrdered ? this.#view[0] : load(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, Number.isInteger(value) ? value : (this.raw(value) as number));
  }

  override add(amount: number): number {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, Number.isInteger(amount) ? amount : (this.raw(amount) as number));
  }

  override close(): void {
    super.close();
    this.#view = new Uint32Array(0);
  }
}

class BigInt64Value extends ValueFacade {
  #view: BigInt64Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new BigInt64Array(parts.buffer, 0, 1);
  }

  override get value(): bigint {
    const element = plainLoadsAreOrdered ? this.#view[0] : loadBig(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: bigint) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, typeof value === 'bigint' ? value : (this.raw(value) as bigint));
  }

  override add(amount: bigint): bigint {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, typeof amount === 'bigint' ? amount : (this.raw(amount) as bigint));
  }

  override close(): void {
    super.close();
    this.#view = new BigInt64Array(0);
  }
}

class BigUint64Value extends ValueFacade {
  #view: BigUint64Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new BigUint64Array(parts.buffer, 0, 1);
  }

  override get value(): bigint {
    const element = plainLoadsAreOrdered ? this.#view[0] : loadBig(this.#view);
    return element ?? this.refuse('read');
  }

  override set value(value: bigint) {
    if (this.#view.length === 0) this.refuse('write');
    Atomics.store(this.#view, 0, typeof value === 'bigint' ? value : (this.raw(value) as bigint));
  }

  override add(amount: bigint): bigint {
    if (this.#view.length === 0) this.refuse('add to');
    return Atomics.add(this.#view, 0, typeof amount === 'bigint' ? amount : (this.raw(amount) as bigint));
  }

  override close(): void {
    super.close();
    this.#view = new BigUint64Array(0);
  }
}

class Float32Value extends ValueFacade {
  #view: Float32Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Float32Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = this.#view[0];
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    this.#view[0] = typeof value === 'number' ? value : (this.raw(value) as number);
  }

  override close(): void {
    super.close();
    this.#view = new Float32Array(0);
  }
}

class Float64Value extends ValueFacade {
  #view: Float64Array;

  constructor(parts: ValueParts) {
    super(parts);
    this.#view = new Float64Array(parts.buffer, 0, 1);
  }

  override get value(): number {
    const element = this.#view[0];
    return element ?? this.refuse('read');
  }

  override set value(value: number) {
    if (this.#view.length === 0) this.refuse('write');
    this.#view[0] = typeof value === 'number' ? value : (this.raw(value) as number);
  }

  override close(): void {
    super.close();
    this.#view = new Float64Array(0);
  }
}

type NumberValueClass = new (parts: ValueParts) => ValueFacade;

const classes = new Map<unknown, NumberValueClass>([
  [Int8Array, Int8Value],
  [Uint8Array, Uint8Value],
  [Int16Array, Int16Value],
  [Uint16Array, Uint16Value],
  [Int32Array, Int32Value],
  [Uint32Array, Uint32Value],
  [BigInt64Array, BigInt64Value],
  [BigUint64Array, BigUint64Value],
  [Float32Array, Float32Value],
  [Float64Array, Float64Value],
]);

/** The class for values of a type; characters have none of their own. */
export function valueClass(type: ElementType): NumberValueClass {
  return (type.kind === 'character' ? undefined : classes.get(type.ElementArray)) ?? ValueFacade;
}

/** All of them, for whoever wants to name them. */
export const valueClasses: readonly NumberValueClass[] = [ValueFacade, ...classes.values()];
