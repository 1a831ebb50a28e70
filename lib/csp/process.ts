/**
 * process(): functions that become processes of CSP.
 */
import { inspect } from 'node:util';
import type { Connection } from '../channels/connection.js';
import { Pipe } from '../channels/pipe.js';
import { argumentRangeError, argumentTypeError, ClosedError, StateError, WorkerDiedError } from '../errors.js';
import { checkInteger } from '../internal/shared-object.js';
import { type AnyFunction, defineTask, moduleOf } from '../internal/task-reference.js';
import { Process } from '../processes/process.js';
import type { ProcessSettings } from '../processes/process-options.js';
import { ChannelEnd } from './channel-end.js';
import { endsIn, withNewEnds } from './ends-in.js';
import { type Report, ReportLine } from './report-line.js';
import { newProcessId, runProcess } from './run-process.js';

/** Options of {@link process}: how its processes are run. */
export interface CspProcessOptions extends Omit<ProcessSettings, 'name'> {
  /** `true`: as a task of the process that starts it, which must not block. Default `false`: as a process of the operating system. */
  readonly inline?: boolean | undefined;
}

/** Makes descriptions of processes. */
export type ProcessFactory<A extends readonly unknown[], R> = (...args: A) => ProcessDescription<Awaited<R>>;

/** What a child is to call. */
type Target = (id: string, reports: Connection<Report, Report>, args: readonly unknown[]) => Promise<void>;

/** What all processes of one {@link process} have in common. */
interface Plan {
  readonly name: string;
  readonly fn: AnyFunction;
  /** What runs in the child; `null` for inline ones. */
  readonly target: Target | null;
  readonly settings: Omit<ProcessSettings, 'name'>;
}

/** A started process. */
export interface Run<R = unknown> {
  readonly description: ProcessDescription<R>;
  /** Rejects with what ended it, if it did not return. */
  readonly result: Promise<R>;
  /** Blocks the thread until it has ended. */
  resultSync(): R;
}

/** A process that is planned, or was started: what a factory of {@link process} gives. Each runs once. */
export class ProcessDescription<R = unknown> {
  /** What `currentProcessId()` says in it. */
  readonly id: string;
  /** Name of its function. */
  readonly name: string;
  #returnValue: R | undefined;
  readonly #plan: Plan;
  readonly #args: readonly unknown[];
  #isStarted = false;

  /** @internal */
  constructor(plan: Plan, args: readonly unknown[]) {
    this.#plan = plan;
    this.#args = args;
    this.name = plan.name;
    this.id = newProcessId(plan.name);
  }

  /** What it returned, once it has ended. */
  get returnValue(): R | undefined {
    return this.#returnValue;
  }

  toString(): string {
    return `<csp process ${this.name}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  /** @internal Does it run in the thread that starts it? */
  get isInline(): boolean {
    return this.#plan.target === null;
  }

  /** @internal The ends in its arguments. */
  get ends(): ChannelEnd[] {
    return endsIn(this.#args);
  }

  /** @internal @throws StateError when it was started. */
  checkNew(): void {
    if (this.#isStarted) throw new StateError(`Cannot start ${this.name}: this process was started before`);
  }

  /** @internal Another one, with ends of its own. */
  copy(): ProcessDescription<R> {
    this.checkNew();
    return new ProcessDescription<R>(this.#plan, withNewEnds(this.#args));
  }

  /** @internal Starts it. @throws as `Process.start`; nothing was started then. */
  start(): Run<R> {
    this.checkNew();
    this.#isStarted = true;
    const { fn, target } = this.#plan;
    return target === null ? this.#startHere(fn) : this.#startProcess(target);
  }

  #startHere(fn: AnyFunction): Run<R> {
    const result = runProcess(this.id, fn, this.#args).then((value) => this.#keep(value));
    return {
      description: this,
      result,
      resultSync: () => {
        throw new StateError(`Cannot wait for ${this.name}: it runs in this thread, which would be blocked`);
      },
    };
  }

  #startProcess(target: Target): Run<R> {
    const [ours, theirs] = Pipe<Report, Report>({ capacity: 1 });
    const line = new ReportLine(ours);
    const closePipe = (): void => {
      line.close();
      theirs.close();
    };
    const child = new Process({ ...this.#plan.settings, target, args: [this.id, theirs, this.#args] });
    try {
      child.start();
    } catch (error) {
      closePipe();
      throw error;
    }
    // They are the child's from now on: what this process kept would have to retire, too.
    for (const end of this.ends) handOver(end, this.name);
    let outcome: (() => R) | undefined;
    const finish = (): R => {
      outcome ??= this.#finish(child, line);
      closePipe();
      return outcome();
    };
    return {
      description: this,
      result: child.join().then(finish),
      resultSync: () => {
        child.joinSync();
        return finish();
      },
    };
  }

  /** What there is to say of it after its end, however often. */
  #finish(child: Process, line: ReportLine): () => R {
    try {
      const value = this.#keep(outcomeOf(child, line, this.name));
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  }

  #keep(value: unknown): R {
    this.#returnValue = value as R;
    return value as R;
  }
}

function handOver(end: ChannelEnd, name: string): void {
  ChannelEnd.attachmentOf(end)?.closeBecause(
    () => new ClosedError(`Cannot use this end of the channel: it belongs to the process ${name}, which was given it`),
  );
}

/** What a process has returned, after its end. @throws what ended it. */
function outcomeOf(child: Process, line: ReportLine, name: string): unknown {
  const { exitCode, signalCode, error, pid } = child;
  const { report } = line;
  if (report !== undefined) return report.value;
  if (error !== null) throw error;
  if (exitCode === 0) return undefined;
  const end = signalCode === null ? `exited with ${String(exitCode)}` : `was ended by ${signalCode}`;
  throw new WorkerDiedError(`Cannot get the result of ${name}: its process ${end}`, {
    exitCode: exitCode as number,
    signalCode,
    pid: pid as number,
  });
}

/**
 * Turns a function into a factory of processes. The call must run whenever the module is imported, so it belongs at the module's top level. Calling the
 * factory makes a description, which {@link Parallel}, {@link Sequence} or {@link Spawn} starts.
 *
 * ```js
 * const Producer = process(import.meta, async function Producer(cout, n) {
 *   for (let i = 0; i < n; i++) await cout(i);
 * });
 * ```
 *
 * A process is one of the operating system, which may block without blocking others; with `{ inline: true }` it is a task of the process that starts it.
 * The ends of channels in its arguments, at any depth of arrays, objects, Maps and Sets, belong to it from its start on, and retire when it ends: by
 * returning, by a RetireError that it does not catch, or by its death. So none of them can be returned; ends that it has made itself can, and then it ends
 * when whoever has started it has received them. By a PoisonError that it does not catch, or any other error, they are poisoned.
 *
 * Inside a function expression its own name means the function and not the factory. Where a process starts others of its kind, give the name first and
 * the function without one: `process(import.meta, 'Tree', async (depth) => …)`.
 *
 * @param meta `import.meta`, or the module's URL or absolute path (`__filename` in CommonJS); may be left out for inline ones.
 * @param fn a function with a name; or first the name, then the function.
 * @throws TypeError (ERR_MULTIPROC_ARGUMENT).
 */
export function process<A extends readonly unknown[], R>(
  meta: ImportMeta | string,
  fn: (...args: A) => R,
  options?: CspProcessOptions,
): ProcessFactory<A, R>;
export function process<A extends readonly unknown[], R>(
  meta: ImportMeta | string,
  name: string,
  fn: (...args: A) => R,
  options?: CspProcessOptions,
): ProcessFactory<A, R>;
export function process<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: CspProcessOptions & { readonly inline: true },
): ProcessFactory<A, R>;
export function process(...given: unknown[]): ProcessFactory<unknown[], unknown> {
  const meta = typeof given[0] === 'function' ? undefined : given.shift();
  const explicit = typeof given[0] === 'string' ? (given.shift() as string) : undefined;
  const [fn, options = {}] = given;
  if (typeof fn !== 'function')
    throw argumentTypeError(`Cannot make process: a function is needed, received ${inspect(fn, { depth: 0 })}`);
  if (typeof options !== 'object' || options === null)
    throw argumentTypeError(`Cannot make process: options must be an object, received ${inspect(options)}`);
  const { inline = false, ...settings } = options as CspProcessOptions;
  if (typeof inline !== 'boolean')
    throw argumentTypeError(`Cannot make process: inline must be true or false, received ${inspect(inline)}`);
  const name = explicit ?? fn.name;
  const plan = { name: name === '' ? 'anonymous' : name, fn: fn as AnyFunction, settings };
  const target = inline ? null : defineTarget(meta, name, fn as AnyFunction);
  return (...args) => new ProcessDescription({ ...plan, target }, args);
}

/** What a child finds under the name of the function. */
function defineTarget(meta: unknown, name: string, fn: AnyFunction): Target {
  const module = moduleOf(meta, 'make process');
  if (name === '')
    throw argumentTypeError(
      'Cannot make process: the function has no name, so give one: process(import.meta, name, fn)',
    );
  const target: Target = async (id, reports, args) => {
    let value: unknown;
    try {
      value = await runProcess(id, fn, args);
      reports.sendSync({ value });
      // They go with this process: until whoever has started it has them, which it says by closing its side.
      if (endsIn(value).length > 0) await reports.poll(null);
    } finally {
      reports.close();
    }
  };
  defineTask(module, name, target);
  return target;
}

/**
 * So many processes: the given one, and others like it. Each of the others has ends of its own, of the same channels.
 *
 * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); StateError when it was started.
 */
export function times<R>(n: number, description: ProcessDescription<R>): ProcessDescription<R>[] {
  checkInteger(n, 0, 2 ** 20, 'the number', 'make processes');
  if (!(description instanceof ProcessDescription))
    throw argumentTypeError(
      `Cannot make processes: a process is needed, received ${inspect(description, { depth: 0 })}`,
    );
  description.checkNew();
  if (n === 0) {
    for (const end of description.ends) end.retire();
    return [];
  }
  const all = [description];
  while (all.length < n) all.push(description.copy());
  return all;
}

/** The processes in lists of any depth. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT), StateError. */
export function flatten(given: readonly unknown[]): ProcessDescription[] {
  const all = given.flat(Infinity);
  for (const one of all) {
    if (!(one instanceof ProcessDescription))
      throw argumentTypeError(`Cannot start: a process is needed, received ${inspect(one, { depth: 0 })}`);
    one.checkNew();
  }
  if (new Set(all).size < all.length)
    throw argumentRangeError('Cannot start: the same process was given twice; use times()');
  return all as ProcessDescription[];
}
