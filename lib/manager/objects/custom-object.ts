/**
 * Objects of a program's own classes in the server.
 */
import { inspect } from 'node:util';
import { argumentTypeError, NotFoundError } from '../../errors.js';
import type { Call } from '../call.js';
import { orWithdrawn } from '../withdrawal.js';
import type { ServerObject } from './server-object.js';

/** What is behind a proxy of a registered kind. */
export class CustomObject implements ServerObject {
  readonly object: object;

  private constructor(object: object) {
    this.object = object;
  }

  /** Around what a factory made, or a method gave. @throws TypeError (ERR_MULTIPROC_ARGUMENT) for what has no methods. */
  static made(object: unknown): CustomObject {
    if (object instanceof Promise)
      throw argumentTypeError('Cannot make the object: its factory must give it at once, and not a promise');
    if ((typeof object !== 'object' || object === null) && typeof object !== 'function')
      throw argumentTypeError(`Cannot make the object: its factory gave ${inspect(object)}, which has no methods`);
    return new CustomObject(object);
  }

  /** @throws NotFoundError when there is no such method; what the method throws. */
  callMethod(name: string, call: Call, args: readonly unknown[]): unknown {
    const method: unknown = name in Object.prototype ? undefined : (this.object as Record<string, unknown>)[name];
    if (typeof method !== 'function') throw new NotFoundError(`Cannot call '${name}': the object has no such method`);
    const result: unknown = Reflect.apply(method, this.object, args);
    return result instanceof Promise ? orWithdrawn(call, result) : result;
  }

  text(): string {
    const { toString } = this.object as { toString: unknown };
    if (toString === Object.prototype.toString || typeof toString !== 'function') return inspect(this.object);
    return String(Reflect.apply(toString, this.object, []));
  }
}
