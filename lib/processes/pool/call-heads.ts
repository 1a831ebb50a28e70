/**
 * The heads of a pool's jobs, made once for each function.
 */
import { addressToSend, type AnyFunction, type TaskReference } from '../../internal/task-reference.js';
import { CallHead } from './job-message.js';

/** Finds the head for a function, with and without a time limit. */
export class CallHeads {
  readonly #timed = new WeakMap<AnyFunction, CallHead>();
  readonly #untimed = new WeakMap<AnyFunction, CallHead>();

  /** @throws NotTransferableError for a function without an address; NotFoundError; TypeError. */
  headFor(target: AnyFunction | TaskReference, timed: boolean, action: string): CallHead {
    if (typeof target !== 'function') return make(target, timed, action);
    const heads = timed ? this.#timed : this.#untimed;
    let head = heads.get(target);
    if (head === undefined) heads.set(target, (head = make(target, timed, action)));
    return head;
  }
}

function make(target: AnyFunction | TaskReference, timed: boolean, action: string): CallHead {
  const { module, name = 'default' } = addressToSend(target, action);
  return new CallHead(timed, module, name);
}
