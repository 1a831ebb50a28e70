/**
 * A value in the server.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import { argumentTypeError } from '../../errors.js';
import { elementType } from '../../memory/element-types.js';
import type { Call } from '../call.js';
import { letGo } from './let-go.js';
import type { ServerObject } from './server-object.js';

/** One value of any kind; the type is for people, as in Python. */
export class ValueObject implements ServerObject {
  static readonly exposed = ['get', 'set', 'add', 'compareExchange'];
  readonly #type: string;
  #value: unknown;

  /** @throws TypeError (ERR_MULTIPROC_ARGUMENT) for what is no type. */
  constructor(type: unknown, value: unknown) {
    this.#type = elementType(type).letter;
    this.#value = value;
  }

  get(): unknown {
    return this.#value;
  }

  set(_call: Call, value: unknown): void {
    this.#value = value;
  }

  add(_call: Call, n: unknown): unknown {
    return (this.#value = sum(this.#value, n));
  }

  compareExchange(_call: Call, expected: unknown, value: unknown): boolean {
    if (!isDeepStrictEqual(this.#value, expected)) return false;
    this.#value = value;
    return true;
  }

  dispose(): void {
    letGo(this.#value);
  }

  text(): string {
    return `Value('${this.#type}', ${inspect(this.#value)})`;
  }
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT) unless both are numbers, or both bigints. */
function sum(value: unknown, n: unknown): number | bigint {
  if (typeof value === 'number' && typeof n === 'number') return value + n;
  if (typeof value === 'bigint' && typeof n === 'bigint') return value + n;
  throw argumentTypeError(
    `Cannot add ${inspect(n, { depth: 0 })} to ${inspect(value, { depth: 0 })}: two numbers or two bigints are needed`,
  );
}
