/**
 * The options of a Process, checked.
 */
import { statSync } from 'node:fs';
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError } from '../errors.js';
import type { TaskReference } from '../internal/task-reference.js';
import { taskReferenceOf } from '../internal/task-reference.js';
import { checkStartMethod, type StartMethod } from './start-method.js';
import { parseStdio, type StdioKind, type StdioOptions } from './stdio.js';

/** How a process is to be run. */
export interface ProcessSettings {
  /** What it is called; default: the class's name and a number, as in `Process-1`, and `Process-1:2` for its second child. */
  readonly name?: string | undefined;
  /**
   * A daemon is ended when its parent ends, however that happens, and cannot have children. Default: whether the process
   * that makes it is one.
   */
  readonly daemon?: boolean | null | undefined;
  /** Options of Node for it; default: those of this process, except what concerns this one only (`--eval`, `--inspect`). */
  readonly execArgv?: readonly string[] | undefined;
  /** Its environment variables; default: `process.env` as it is at the start. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Its working folder; default: this process's. */
  readonly cwd?: string | undefined;
  /** Default: it reads nothing and writes where this process does. With `'pipe'` see `stdin`, `stdout` and `stderr`. */
  readonly stdio?: StdioOptions | undefined;
  /** Bytes that its JavaScript heap may grow to, in steps of 1 MiB; beyond, it is ended by V8. Default: Node's. */
  readonly maxMemory?: number | undefined;
  /** A process or a thread of this one; default: `getStartMethod()` at the start. Threads have no `cwd` of their own, no descriptors, and fewer options of Node. */
  readonly startMethod?: StartMethod | undefined;
  /**
   * `true`, the default: after `run()` it goes on until nothing is pending in it, as any program of Node. `false`: it exits as soon as
   * `run()` has ended.
   */
  readonly drain?: boolean | undefined;
  /**
   * Modules that it imports before its arguments are made there, as a URL, an absolute path or the name of a package: for classes of
   * theirs that are registered by another module than the target's.
   */
  readonly preload?: readonly string[] | undefined;
}

/** What a process is to do, and how. */
export type ProcessOptions<A extends readonly unknown[] = readonly unknown[]> = ProcessSettings &
  (
    | {
        /** A function made by `task()`, or where to find one. */
        readonly target?: ((...args: [...A]) => unknown) | TaskReference | null | undefined;
        /** What it is called with. Copied at `start()`. */
        readonly args?: NoInfer<A> | undefined;
        readonly kwargs?: null | undefined;
      }
    | {
        readonly target?: ((...args: never[]) => unknown) | TaskReference | undefined;
        readonly args?: readonly unknown[] | undefined;
        /** Named arguments, as one object behind the others. */
        readonly kwargs: object;
      }
  );

/** The checked form. */
export interface ProcessPlan {
  readonly target: TaskReference | ((...args: never[]) => unknown) | null;
  readonly args: readonly unknown[];
  readonly kwargs: object | null;
  readonly name: string | undefined;
  readonly daemon: boolean | undefined;
  readonly execArgv: readonly string[] | undefined;
  readonly env: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd: string | null;
  readonly stdio: readonly [StdioKind, StdioKind, StdioKind];
  readonly maxMemory: number | undefined;
  readonly drain: boolean;
  readonly startMethod: StartMethod | undefined;
  readonly preload: readonly string[];
}

/** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
export function parseOptions(options: unknown): ProcessPlan {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw refuse('options must be an object such as { target, args }', options);
  }
  const given = (options ?? {}) as Readonly<Record<keyof ProcessOptions, unknown>>;
  const { args = [], kwargs = null, execArgv, env, cwd, maxMemory, preload = [] } = given;
  if (!Array.isArray(args)) throw refuse('args must be an array', args);
  if (typeof kwargs !== 'object') throw refuse('kwargs must be an object', kwargs);
  if (execArgv !== undefined && !isTexts(execArgv)) throw refuse('execArgv must be an array of texts', execArgv);
  if (env !== undefined && !isEnvironment(env)) throw refuse('env must be an object of texts', env);
  if (cwd !== undefined && !isCText(cwd)) throw refuse('cwd must be a path', cwd);
  if (maxMemory !== undefined) checkMemory(maxMemory);
  if (given.startMethod !== undefined) checkStartMethod(given.startMethod);
  if (!isTexts(preload)) throw refuse('preload must be an array of modules', preload);
  return {
    target: parseTarget(given.target),
    args: [...(args as unknown[])],
    kwargs,
    name: given.name === undefined ? undefined : checkName(given.name),
    daemon: given.daemon === undefined || given.daemon === null ? undefined : checkFlag('daemon', given.daemon),
    execArgv: execArgv === undefined ? undefined : [...execArgv],
    env: env as ProcessPlan['env'],
    cwd: cwd ?? null,
    stdio: parseStdio(given.stdio),
    maxMemory: maxMemory as number | undefined,
    startMethod: given.startMethod,
    drain: given.drain === undefined || checkFlag('drain', given.drain),
    preload: [...preload],
  };
}

function parseTarget(target: unknown): ProcessPlan['target'] {
  if (target === undefined || target === null) return null;
  if (typeof target === 'function') return target as (...args: never[]) => unknown;
  const reference = taskReferenceOf(target);
  if (reference === undefined) throw refuse('target must be a task or { module, name }', target);
  return reference;
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function checkName(name: unknown): string {
  if (typeof name !== 'string') throw refuse('name must be a text', name);
  return name;
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
export function checkFlag(what: string, flag: unknown): boolean {
  if (typeof flag !== 'boolean') throw refuse(`${what} must be true or false`, flag);
  return flag;
}

function checkMemory(bytes: unknown): void {
  if (typeof bytes !== 'number') throw refuse('maxMemory must be a number of bytes', bytes);
  if (!(bytes >= 2 ** 20 && bytes < 2 ** 53))
    throw argumentRangeError(`Cannot make Process: maxMemory must be at least 1 MiB in bytes, received ${bytes}`);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isCText);
}

/** What the system would not cut off. */
function isCText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isEnvironment(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(([name, text]) => isCText(name) && (text === undefined || isCText(text)));
}

function refuse(reason: string, received: unknown): TypeError {
  return argumentTypeError(`Cannot make Process: ${reason}, received ${inspect(received, { depth: 1 })}`);
}

/** @throws TypeError (ERR_MULTIPROC_ARGUMENT) unless it is a folder now, and for a thread. */
export function checkFolder(cwd: string, isThread: boolean): void {
  if (isThread)
    throw argumentTypeError(
      `Cannot start Process: a thread is in the folder of its process, received cwd ${inspect(cwd)}`,
    );
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw argumentTypeError(`Cannot start Process: cwd must be a folder, received ${inspect(cwd)}`);
}
