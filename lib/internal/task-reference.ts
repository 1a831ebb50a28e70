/**
 * Functions that cross a process boundary do so by reference: the URL of their module and a name in it.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { argumentTypeError, NotFoundError } from '../errors.js';

/** The address of a function. */
export interface TaskReference {
  /** URL of the module, as its `import.meta.url` says; or the name of a package, as in an import. */
  readonly module: string;
  /** Name of the export, or the name given to `task()`; default `default`. */
  readonly name?: string | undefined;
}

/** Any function; what it takes and gives is the business of whoever calls it. */
export type AnyFunction = (...args: never[]) => unknown;

const references = new WeakMap<AnyFunction, TaskReference>();
const functions = new Map<string, AnyFunction>();

function keyOf(module: string, name: string): string {
  return `${module}\n${name}`;
}

/** Makes `fn` known by its address, in both directions. */
export function defineTask(module: string, name: string, fn: AnyFunction): void {
  references.set(fn, { module, name });
  functions.set(keyOf(module, name), fn);
}

/** The address of a task or of a `{ module, name }`; `undefined` for anything else. */
export function taskReferenceOf(value: unknown): TaskReference | undefined {
  if (typeof value === 'function') return references.get(value as AnyFunction);
  if (typeof value !== 'object' || value === null || !('module' in value)) return undefined;
  const { module } = value;
  const name = 'name' in value ? value.name : undefined;
  if (typeof module !== 'string' || (name !== undefined && typeof name !== 'string')) {
    throw argumentTypeError(`Cannot use task: module and name must be texts, received ${inspect(value)}`);
  }
  return { module, name };
}

function select(reference: TaskReference, exports: Readonly<Record<string, unknown>>): AnyFunction {
  const { module, name = 'default' } = reference;
  const found = functions.get(keyOf(module, name)) ?? exports[name];
  if (typeof found !== 'function')
    throw new NotFoundError(`Cannot run task: ${module} has no function ${inspect(name)}`);
  return found as AnyFunction;
}

/** Finds the function, importing its module when that has not happened yet. */
export async function loadTask(reference: TaskReference): Promise<AnyFunction> {
  const known = functions.get(keyOf(reference.module, reference.name ?? 'default'));
  if (known !== undefined) return known;
  return select(reference, (await import(reference.module)) as Record<string, unknown>);
}

/** The same without waiting; fails for a module that uses `await` at its top level. */
export function loadTaskSync(reference: TaskReference): AnyFunction {
  const known = functions.get(keyOf(reference.module, reference.name ?? 'default'));
  if (known !== undefined) return known;
  const target = reference.module.startsWith('file:') ? fileURLToPath(reference.module) : reference.module;
  const load = createRequire(import.meta.url);
  return select(reference, load(target) as Record<string, unknown>);
}
