/**
 * How processes are started, and by which program.
 */
import { inspect } from 'node:util';
import { argumentTypeError, argumentRangeError, StateError } from '../errors.js';

/** `spawn`: a fresh process. `thread`: a thread of this process, with an environment of its own. */
export type StartMethod = 'spawn' | 'thread';

const METHODS: readonly StartMethod[] = ['spawn', 'thread'];

let chosen: StartMethod | undefined;
let inherited = false;
let executable = process.execPath;

/** The start methods there are, the default first. */
export function getAllStartMethods(): StartMethod[] {
  return [...METHODS];
}

/**
 * The start method in use.
 *
 * @param options `allowNone`: give `null` when none was chosen yet, instead of the default.
 */
export function getStartMethod(options?: { readonly allowNone?: false | undefined }): StartMethod;
export function getStartMethod(options: { readonly allowNone?: boolean | undefined }): StartMethod | null;
export function getStartMethod(options: { readonly allowNone?: boolean | undefined } = {}): StartMethod | null {
  return chosen ?? (options.allowNone === true ? null : 'spawn');
}

/**
 * Chooses the start method, for this process and its children.
 *
 * @param options `force`: even if it was chosen before.
 * @throws StateError (ERR_MULTIPROC_STATE) when it was chosen before; RangeError (ERR_MULTIPROC_ARGUMENT) for one that does not exist.
 */
export function setStartMethod(
  method: StartMethod,
  { force = false }: { readonly force?: boolean | undefined } = {},
): void {
  checkStartMethod(method);
  if (chosen !== undefined && !force && !inherited)
    throw new StateError(`Cannot set the start method: it has been set to '${chosen}'`);
  chosen = method;
  inherited = false;
}

/** In a child: the choice of its parent, until a module that both import makes it again. */
export function inheritStartMethod(method: StartMethod): void {
  chosen = method;
  inherited = true;
}

/** @throws RangeError (ERR_MULTIPROC_ARGUMENT). */
export function checkStartMethod(method: unknown): asserts method is StartMethod {
  if (!METHODS.includes(method as StartMethod)) {
    throw argumentRangeError(
      `Cannot use start method ${inspect(method)}: there is ${METHODS.map((name) => `'${name}'`).join(', ')}`,
    );
  }
}

/**
 * Sets the program that children run; default: that of this process.
 *
 * @param path path of a Node executable, as text or as a `file:` URL.
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT). Whether it can be run shows at `start()`.
 */
export function setExecutable(path: string | URL): void {
  const text = path instanceof URL && path.protocol === 'file:' ? decodeURIComponent(path.pathname) : path;
  if (typeof text !== 'string' || text === '')
    throw argumentTypeError(`Cannot set the executable: a path is needed, received ${inspect(path)}`);
  executable = text;
}

/** The program that children run. */
export function ownExecutable(): string {
  return executable;
}
