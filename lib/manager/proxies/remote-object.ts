/**
 * RemoteObject: the proxy of a kind that a program has registered.
 */
import type { Attachment } from '../../internal/shared-object.js';
import type { ProxyCore } from '../proxy-core.js';
import { BaseProxy } from './proxy.js';

/** The methods of `T`, each returning a promise of what it returns. */
export type Remote<T> = BaseProxy & {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;
};

/** Has a method for every name; the manager knows which the object exposes. */
export class RemoteObject extends BaseProxy {
  /** @internal */
  constructor(attachment: Attachment<ProxyCore>) {
    super(attachment);
    Object.setPrototypeOf(this, callable);
  }
}

/** A promise is made of what has a `then`, JSON of what has a `toJSON`: no method of the object is meant. */
const NO_METHODS = new Set(['then', 'toJSON']);

const callable = new Proxy(RemoteObject.prototype, {
  get(prototype, key, receiver: RemoteObject) {
    if (typeof key === 'symbol' || key in prototype || NO_METHODS.has(key))
      return Reflect.get(prototype, key, receiver) as unknown;
    return (...args: unknown[]): Promise<unknown> => receiver.callMethod(key, args);
  },
});
