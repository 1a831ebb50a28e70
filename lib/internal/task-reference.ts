/**
 * Functions that cross a process boundary do so by reference: the URL of their module and a name in it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { argumentTypeError, NotFoundError, NotTransferableError } from '../errors.js';
import { importModule } from './import-module.js';
import { loadRest } from './rest.js';

/** The address of a function. */
export interface TaskReference {
  /** URL of the module, as its `import.meta.url` says; or its absolute path; or the name of a package, as in an import. */
  readonly module: string;
  /** Name of the export, or the name given to `task()`; default `default`. */
  readonly name?: string | undefined;
}

/** Any function; what it takes and gives is the business of whoever calls it. */
export type AnyFunction = (...args: never[]) => unknown;

/** Before the names of the library's own modules. */
const OWN = 'multiproc:';

const references = new WeakMap<AnyFunction, TaskReference>();
const functions = new Map<string, AnyFunction>();

function keyOf(module: string, name: string): string {
  return `${module}\n${name}`;
}

/** Makes `fn` known by its address, in both directions. */
export function defineTask(moduleOrPath: string, name: string, fn: AnyFunction): void {
  const module = urlOf(moduleOrPath);
  references.set(fn, { module, name });
  functions.set(keyOf(module, name), fn);
}

/**
 * The module that `import.meta`, a URL or a path speaks of.
 *
 * @param action completes "Cannot …".
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT).
 */
export function moduleOf(meta: unknown, action: string): string {
  if (typeof meta === 'string') return meta;
  if (typeof meta === 'object' && meta !== null && 'url' in meta && typeof meta.url === 'string') return meta.url;
  throw argumentTypeError(
    `Cannot ${action}: the first argument must be import.meta or a URL, received ${inspect(meta)}`,
  );
}

/** In CommonJS a module knows its path, `__filename`, and no URL. */
function urlOf(module: string): string {
  return isAbsolute(module) ? pathToFileURL(module).href : module;
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
  return { module: urlOf(module), name };
}

/**
 * The address of a function that is to be sent, in a form that every process understands.
 *
 * @param action completes "Cannot …", for example `start Process`.
 * @throws NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE) for a function without an address; NotFoundError when there is no such
 *   module; TypeError (ERR_MULTIPROC_ARGUMENT) for what is no function and no address, and for a module that is named relative to nothing.
 */
export function addressToSend(target: AnyFunction | TaskReference, action: string): TaskReference {
  const reference = taskReferenceOf(target);
  if (reference === undefined) {
    if (typeof target !== 'function')
      throw argumentTypeError(
        `Cannot ${action}: a function made by task(), or { module, name }, is needed, received ${inspect(target)}`,
      );
    const name = target.name !== '' ? `'${target.name}'` : 'without a name';
    throw new NotTransferableError(
      `Cannot ${action}: the function ${name} has no address by which another process could find it; ` +
        'make it with task(import.meta, function name() { … }) at the top level of its module',
      { path: '' },
    );
  }
  return { module: findModule(reference.module, action), name: reference.name };
}

function findModule(module: string, action: string): string {
  if (module.startsWith('.')) {
    throw argumentTypeError(
      `Cannot ${action}: module ${inspect(module)} is relative; use new URL(${inspect(module)}, import.meta.url).href`,
    );
  }
  if (module.startsWith('file:')) {
    if (existsSync(fileURLToPath(module))) return module;
    throw new NotFoundError(`Cannot ${action}: there is no module ${module}`);
  }
  if (/^[a-z][a-z+.-]+:/.test(module)) return module;
  // A package: what the main module's folder, or the working folder, finds under the name.
  for (const base of [process.argv[1], join(process.cwd(), 'package.json')]) {
    try {
      if (base !== undefined) return pathToFileURL(createRequire(base).resolve(module)).href;
    } catch {
      // It may be for `import` only; the child finds out.
    }
  }
  return module;
}

function select(reference: TaskReference, exports: Readonly<Record<string, unknown>>): AnyFunction {
  const { module, name = 'default' } = reference;
  // What is required and not imported may be a function itself.
  const own = name === 'default' && typeof exports === 'function' ? exports : exports[name];
  const found = functions.get(keyOf(module, name)) ?? own;
  if (typeof found !== 'function')
    throw new NotFoundError(`Cannot run task: ${module} has no function ${inspect(name)}`);
  return found as AnyFunction;
}

/** The function, where its module has been loaded. */
function knownTask({ module, name = 'default' }: TaskReference): AnyFunction | undefined {
  const key = keyOf(module, name);
  if (module.startsWith(OWN) && !functions.has(key)) loadRest();
  return functions.get(key);
}

/** Finds the function, importing its module when that has not happened yet. */
export async function loadTask(reference: TaskReference): Promise<AnyFunction> {
  const known = knownTask(reference);
  if (known !== undefined) return known;
  // It needs none of what loads ES modules, which takes as long to get ready as half of the library.
  if (reference.module.startsWith('file:') && reference.module.endsWith('.cjs')) return loadTaskSync(reference);
  return select(reference, (await importModule(reference.module)) as Record<string, unknown>);
}

/** The same without waiting; fails for a module that uses `await` at its top level. */
export function loadTaskSync(reference: TaskReference): AnyFunction {
  const known = knownTask(reference);
  if (known !== undefined) return known;
  const target = reference.module.startsWith('file:') ? fileURLToPath(reference.module) : reference.module;
  const load = createRequire(import.meta.url);
  return select(reference, load(target) as Record<string, unknown>);
}
