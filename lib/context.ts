/**
 * getContext(): the library with one start method.
 */
import { StateError } from './errors.js';
import * as everything from './interface.js';
import { becomeBase } from './processes/process-classes.js';
import type { PoolOptions } from './processes/pool/pool-options.js';
import type { ProcessOptions } from './processes/process-options.js';
import { checkStartMethod } from './processes/start-method.js';

const { getStartMethod, Process } = everything;

/**
 * All names of the library. Its `Process`, and the workers of its `Pool`, are started by the context's method, unless their options say another one; everything else is the same as
 * in the library, and goes from one context to another.
 */
export interface Context extends Readonly<Omit<typeof everything, 'getStartMethod' | 'setStartMethod'>> {
  /** That of this context. */
  readonly getStartMethod: () => everything.StartMethod;
  /** A context has one already. @throws StateError (ERR_MULTIPROC_STATE), always. */
  readonly setStartMethod: (method: everything.StartMethod) => never;
  readonly getContext: typeof getContext;
}

const contexts = new Map<everything.StartMethod, Context>();

/**
 * The library with one start method, whatever is set by `setStartMethod()`: for parts of a program that need one.
 *
 * ```ts
 * const { Process } = getContext('thread');
 * ```
 *
 * @param method default: the one in use now, see `getStartMethod()`.
 * @returns the same object for the same method.
 * @throws RangeError (ERR_MULTIPROC_ARGUMENT) for a method that does not exist.
 */
export function getContext(method: everything.StartMethod = getStartMethod()): Context {
  checkStartMethod(method);
  let context = contexts.get(method);
  if (context === undefined) contexts.set(method, (context = makeContext(method)));
  return context;
}

function makeContext(method: everything.StartMethod): Context {
  return Object.freeze({
    ...everything,
    Process: processOf(method),
    Pool: poolOf(method),
    getStartMethod: () => method,
    setStartMethod: () => {
      throw new StateError(`Cannot set the start method: this is the context of '${method}'`);
    },
    getContext,
  });
}

/** A class for a default: its instances are sent as those of Process are. */
function processOf(method: everything.StartMethod): typeof Process {
  const bound = class<A extends readonly unknown[]> extends everything.Process<A> {
    constructor(options?: ProcessOptions<A>) {
      super({ startMethod: method, ...options });
    }
  };
  // Processes are named after their class.
  Object.defineProperty(bound, 'name', { value: Process.name });
  becomeBase(bound);
  return bound;
}

function poolOf(method: everything.StartMethod): typeof everything.Pool {
  const bound = class extends everything.Pool {
    constructor(options?: number | PoolOptions | null) {
      super({ startMethod: method, ...(typeof options === 'number' ? { processes: options } : options) });
    }
  };
  Object.defineProperty(bound, 'name', { value: everything.Pool.name });
  return bound;
}
