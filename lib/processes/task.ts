/**
 * `task()`: gives a function an address, so that another process can find it.
 */
import { inspect } from 'node:util';
import { argumentTypeError } from '../errors.js';
import { type AnyFunction, defineTask, moduleOf } from '../internal/task-reference.js';

declare const taskBrand: unique symbol;

/** A function that knows its address. It can be called like any other. */
export type Task<F extends AnyFunction = AnyFunction> = F & { readonly [taskBrand]?: never };

/**
 * Gives a function an address: the module it is made in and a name. The call must run whenever that module is
 * imported, so it belongs at the module's top level; it need not be exported.
 *
 * ```ts
 * const square = task(import.meta, function square(x: number) { return x * x; });
 * const cube = task(import.meta, 'cube', (x: number) => x ** 3);
 * ```
 *
 * @param meta `import.meta`, or the module's URL or absolute path (`__filename` in CommonJS).
 * @param fn a function with a name; or first the name, then the function.
 * @returns the function itself.
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT) for a function without a name.
 */
export function task<F extends AnyFunction>(meta: ImportMeta | string, fn: F): Task<F>;
export function task<F extends AnyFunction>(meta: ImportMeta | string, name: string, fn: F): Task<F>;
export function task<F extends AnyFunction>(meta: ImportMeta | string, nameOrFn: string | F, fn?: F): Task<F> {
  const module = moduleOf(meta, 'make task');
  const target = typeof nameOrFn === 'function' ? nameOrFn : fn;
  if (typeof target !== 'function')
    throw argumentTypeError(`Cannot make task: a function is needed, received ${inspect(target)}`);
  const name = typeof nameOrFn === 'string' ? nameOrFn : target.name;
  if (name === '')
    throw argumentTypeError('Cannot make task: the function has no name, so give one: task(import.meta, name, fn)');
  defineTask(module, name, target);
  return target;
}
