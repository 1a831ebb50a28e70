/**
 * A namespace in the server.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../../errors.js';
import type { Call } from '../call.js';
import { letGo } from './let-go.js';
import type { ServerObject } from './server-object.js';

/** Attributes by their names. */
export class NamespaceObject implements ServerObject {
  static readonly exposed = ['get', 'set', 'delete', 'entries'];
  readonly #attributes = new Map<string, unknown>();

  constructor(attributes: readonly (readonly [string, unknown])[] = []) {
    for (const [name, value] of attributes) this.set(undefined, name, value);
  }

  get(_call: Call, name: string): unknown {
    return this.#attributes.get(checkName(name));
  }

  set(_call: Call | undefined, name: string, value: unknown): void {
    this.#attributes.set(checkName(name), value);
  }

  delete(_call: Call, name: string): boolean {
    return this.#attributes.delete(checkName(name));
  }

  entries(): [string, unknown][] {
    return [...this.#attributes];
  }

  dispose(): void {
    letGo(this.#attributes);
  }

  text(): string {
    return `Namespace(${this.entries()
      .map(([name, value]) => `${name}=${inspect(value)}`)
      .join(', ')})`;
  }
}

function checkName(name: unknown): string {
  if (typeof name === 'string') return name;
  throw argumentTypeError(`Cannot use ${inspect(name, { depth: 0 })} as an attribute: its name must be a text`);
}
