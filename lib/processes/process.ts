/**
 * Process: a function, or a `run()` method, in a process of its own.
 */
import { inspect, type InspectOptions } from 'node:util';
import type { Readable, Writable } from 'node:stream';
import { argumentTypeError, ClosedError, StateError } from '../errors.js';
import { type AnyFunction, moduleOf } from '../internal/task-reference.js';
import { rejected } from '../internal/wait.js';
import { parseWait, type Wait, type WaitOptions } from '../internal/wait-options.js';
import { ChildLife } from './child-life.js';
import { signalTree } from './process-tree.js';
import { assumeAuthkey, ownAuthkey, nextPath, ownIdentity } from './identity.js';
import { becomeBase, registerProcessClass } from './process-classes.js';
import { checkFlag, checkName, parseOptions, type ProcessOptions, type ProcessPlan } from './process-options.js';
import { setProcessName } from '../internal/process-name.js';

/** Options of `terminate()`, `kill()` and `interrupt()`. */
export interface SignalOptions {
  /** Also the processes that it started, and theirs. */
  readonly tree?: boolean | undefined;
}

/** What is known about one Process; outside of the object, since a child makes the object without running a constructor. */
interface ProcessState {
  name: string;
  daemon: boolean;
  authkey: Buffer;
  readonly path: readonly number[];
  plan: ProcessPlan;
  /** `current`: the object stands for the process that it is used in. */
  phase: 'new' | 'started' | 'closed' | 'current';
  life: ChildLife | undefined;
  runTarget: (() => unknown) | undefined;
}

const states = new WeakMap<object, ProcessState>();

function stateOf(process: Process, action: string): ProcessState {
  const state = states.get(process);
  if (state === undefined) throw argumentTypeError(`Cannot ${action}: this is not a Process`);
  if (state.phase === 'closed') throw new ClosedError(`Cannot ${action}: it is closed`);
  return state;
}

/** The life of a started process. */
function lifeOf(process: Process, action: string): ChildLife {
  const { life, phase } = stateOf(process, action);
  if (life !== undefined) return life;
  throw new StateError(
    `Cannot ${action}: ${phase === 'current' ? 'it is the running process itself' : 'it has not been started'}`,
  );
}

/** @internal For `wait()`. */
export function lifeToWaitFor(process: Process): ChildLife {
  return lifeOf(process, 'wait for Process');
}

/**
 * A process of the operating system that runs a function, or the `run()` of a subclass.
 *
 * ```ts
 * const greet = task(import.meta, function greet(name: string) { console.log(`Hello, ${name}`); });
 * if (isMainProcess) {
 *   const child = new Process({ target: greet, args: ['world'] });
 *   child.start();
 *   console.log(await child.join()); // 0
 * }
 * ```
 *
 * The child is a fresh Node: it imports the module of its target (or class), finds the function there, and calls it with copies of the
 * arguments; shared objects among them stay shared. It exits with 0 when what it runs returns, or its promise resolves, and nothing is pending in it any more;
 * with 1 when something is thrown and not caught, which then is its `error` here and is printed on its standard error.
 *
 * This process ends only after its children, except daemons, which are ended with it. The death of a child disturbs nobody; what it held
 * is given back as each class describes.
 *
 * A subclass registers itself, so that a child can find it. Its own fields travel; its constructor is not run again, so `#private`
 * fields are not there in the child.
 *
 * ```ts
 * class Greeter extends Process {
 *   static { Process.register(import.meta, this); }
 *   constructor(readonly who: string) { super(); }
 *   override run() { console.log(`Hello, ${this.who}`); }
 * }
 * ```
 */
export class Process<A extends readonly unknown[] = readonly unknown[]> {
  /**
   * Plans a process; nothing is started yet.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT).
   */
  constructor(options?: ProcessOptions<A>) {
    const plan = parseOptions(options);
    const path = nextPath();
    states.set(this, {
      name: plan.name ?? `${new.target.name}-${path.join(':')}`,
      daemon: plan.daemon ?? ownIdentity().daemon,
      authkey: ownAuthkey(),
      path,
      plan,
      phase: 'new',
      life: undefined,
      runTarget: undefined,
    });
  }

  /**
   * Gives a subclass an address: the module that it is in, and its name. Belongs into a `static` block of the class, so that it
   * runs whenever the module is imported.
   *
   * @param meta `import.meta`, or the module's URL or path.
   * @throws TypeError (ERR_MULTIPROC_ARGUMENT) for what is no subclass, or has no name.
   */
  static register(meta: ImportMeta | string, processClass: abstract new (...args: never[]) => Process): void {
    const given: unknown = processClass;
    if (typeof given !== 'function' || !(given.prototype instanceof Process))
      throw argumentTypeError(`Cannot register: a subclass of Process is needed, received ${inspect(given)}`);
    if (given.name === '') throw argumentTypeError('Cannot register: the class has no name');
    registerProcessClass(moduleOf(meta, 'register'), given as unknown as AnyFunction);
  }

  /** What the process does: calls the target. Subclasses override it; what it returns, if a promise, is awaited. */
  run(): unknown {
    const { plan, runTarget } = stateOf(this, 'run Process');
    if (runTarget !== undefined) return runTarget();
    if (plan.target === null) return undefined;
    if (typeof plan.target !== 'function')
      throw new StateError('Cannot run Process: only its child has loaded the module of its target');
    const args = plan.kwargs === null ? plan.args : [...plan.args, plan.kwargs];
    return plan.target(...(args as never[]));
  }

  /**
   * Starts it. Returns when the process exists; what it runs begins some 50 ms later, see `started`.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) when it was started before, in a daemon, in a process other than the one that made it, and
   *   while a child imports the module of its target (see `isMainProcess`); NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE) for
   *   a function without an address, a subclass that is not registered, an argument or field that cannot travel; NotFoundError for a module that
   *   is not there; SystemError (ERR_MULTIPROC_SYSTEM) when the system refuses; NoSpaceError. Nothing was started then.
   */
  start(): void {
    const state = stateOf(this, 'start Process');
    if (state.phase !== 'new')
      throw new StateError(
        `Cannot start Process: ${state.phase === 'current' ? 'it is the running process itself' : 'it was started before'}`,
      );
    refuseShadows(this);
    state.life = ChildLife.start({
      processClass: this.constructor,
      fields: { ...(this as object) },
      name: state.name,
      daemon: state.daemon,
      authkey: state.authkey,
      path: state.path,
      plan: state.plan,
      process: this,
    });
    state.phase = 'started';
    // Python drops them too: what was sent need not be kept here.
    state.plan = { ...state.plan, target: null, args: [], kwargs: null };
  }

  /**
   * Waits until the process has ended, without blocking the thread. Any number of callers may, and again later.
   *
   * @returns the exit code as `exitCode` says; `null` when the time was over.
   * @throws StateError (ERR_MULTIPROC_STATE) before the start and for `currentProcess()`; ClosedError; `signal.reason`.
   */
  join(options?: WaitOptions | null): Promise<number | null> {
    try {
      return lifeOf(this, 'join Process').join(parseWait(options));
    } catch (error) {
      return rejected(error);
    }
  }

  /** As {@link join}, blocking the thread. Output of the child that is piped to this process must not be more than a pipe holds then. */
  joinSync(options?: WaitOptions | null): number | null {
    const wait: Wait = parseWait(options);
    return lifeOf(this, 'join Process').joinSync(wait.timeout);
  }

  /** Does it run? False before the start. @throws ClosedError (ERR_MULTIPROC_CLOSED). */
  isAlive(): boolean {
    const { life, phase } = stateOf(this, 'look at Process');
    return phase === 'current' || life?.exitCode === null;
  }

  /**
   * Ends it with SIGTERM; what it is doing is not finished. Does nothing when it has ended.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) before the start; ClosedError; SystemError.
   */
  terminate(options?: SignalOptions): void {
    signal(this, 'SIGTERM', options);
  }

  /** As {@link terminate}, with SIGKILL, which no process can refuse. */
  kill(options?: SignalOptions): void {
    signal(this, 'SIGKILL', options);
  }

  /** As {@link terminate}, with SIGINT. */
  interrupt(options?: SignalOptions): void {
    signal(this, 'SIGINT', options);
  }

  /**
   * Forgets a process that has ended, or was never started. Everything but `name` throws ClosedError afterwards; closing again does
   * nothing.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) while it runs.
   */
  close(): void {
    const state = states.get(this);
    if (state === undefined || state.phase === 'closed') return;
    if (state.phase === 'current') throw new StateError('Cannot close Process: it is the running process itself');
    if (this.isAlive()) throw new StateError('Cannot close Process: it is still running; join or terminate it first');
    state.life?.closeStreams();
    state.phase = 'closed';
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits for its end, then closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const state = states.get(this);
    if (state?.life !== undefined && state.phase === 'started') await this.join();
    this.close();
  }

  /** What it is called in texts; can be changed at any time, for this process only. */
  get name(): string {
    return states.get(this)?.name ?? '';
  }
  set name(name: string) {
    const state = stateOf(this, 'name Process');
    state.name = checkName(name);
    if (state.phase === 'current') setProcessName(state.name);
  }

  /** Is it ended when its parent ends? Can be set before the start. @throws StateError (ERR_MULTIPROC_STATE) when set later. */
  get daemon(): boolean {
    return stateOf(this, 'look at Process').daemon;
  }
  set daemon(daemon: boolean) {
    const state = stateOf(this, 'set daemon of Process');
    if (state.phase !== 'new') throw new StateError('Cannot set daemon of Process: it has been started');
    state.daemon = checkFlag('daemon', daemon);
  }

  /** Process id; `null` before the start. */
  get pid(): number | null {
    const { phase, life } = stateOf(this, 'look at Process');
    return phase === 'current' ? process.pid : (life?.pid ?? null);
  }

  /** Exit code, 0 to 255; −N when signal N ended it; `null` before the start and while it runs. Looked up when it is read. */
  get exitCode(): number | null {
    return stateOf(this, 'look at Process').life?.exitCode ?? null;
  }

  /** Name of the signal that ended it, or `null`. */
  get signalCode(): NodeJS.Signals | null {
    return stateOf(this, 'look at Process').life?.signalCode ?? null;
  }

  /**
   * What was thrown in it and not caught, once it has ended: of the same class where that class is known here, with its name, message,
   * code, cause, and as `remoteStack` its stack there. `null` if there was nothing; a process that was killed had no time to say.
   */
  get error(): Error | null {
    return stateOf(this, 'look at Process').life?.error ?? null;
  }

  /**
   * A promise of the exit code, the same one each time; `wait()` takes it too. Does not keep this process from ending.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) before the start.
   */
  get sentinel(): Promise<number> {
    return lifeOf(this, 'get the sentinel of Process').sentinel;
  }

  /**
   * A promise that resolves when what it runs begins, or when it ends before.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) before the start.
   */
  get started(): Promise<void> {
    return lifeOf(this, 'wait for the start of Process').started;
  }

  /** Secret that connections to listeners and managers are checked with; 32 random bytes in the main process, inherited from the process that made it. */
  get authkey(): Uint8Array {
    return stateOf(this, 'look at Process').authkey;
  }
  set authkey(key: Uint8Array) {
    const state = stateOf(this, 'set authkey of Process');
    if (!(key instanceof Uint8Array)) throw argumentTypeError('Cannot set authkey of Process: bytes are needed');
    state.authkey = Buffer.from(key);
    if (state.phase === 'current') assumeAuthkey(key);
  }

  /** What it reads, where `stdio` says `'pipe'`; else `null`. */
  get stdin(): Writable | null {
    return stateOf(this, 'look at Process').life?.streams.stdin ?? null;
  }

  /** What it writes, where `stdio` says `'pipe'`; else `null`. */
  get stdout(): Readable | null {
    return stateOf(this, 'look at Process').life?.streams.stdout ?? null;
  }

  /** What it writes to its standard error, where `stdio` says `'pipe'`; else `null`. */
  get stderr(): Readable | null {
    return stateOf(this, 'look at Process').life?.streams.stderr ?? null;
  }

  /** Such as `<Process name='Process-1' pid=4711 parent=4710 stopped exitcode=-SIGTERM daemon>`. */
  toString(): string {
    const state = states.get(this);
    return state === undefined ? '<Process>' : describe(this, state);
  }

  /** @internal */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    const fields = { ...(this as object) };
    if (Object.keys(fields).length === 0) return this.toString();
    return `${this.toString()} ${inspect(fields, options)}`;
  }
}

becomeBase(Process);

/** A field of the name of a member would hide it here, and could not be set in the child. */
function refuseShadows(object: Process): void {
  const shadow = Object.keys(object).find((key) => key in Process.prototype);
  if (shadow !== undefined)
    throw argumentTypeError(`Cannot start Process: its field '${shadow}' has the name of a member of Process`);
}

function describe(object: Process, { name, daemon, phase, life }: ProcessState): string {
  const facts = [object.constructor.name, `name='${name}'`];
  if (phase === 'closed') return `<${[...facts, 'closed'].join(' ')}>`;
  if (phase === 'current') facts.push(`pid=${process.pid}`, `parent=${process.ppid}`, 'started');
  else if (life === undefined) facts.push('initial');
  else facts.push(`pid=${life.pid}`, `parent=${process.pid}`, ...describeEnd(life));
  if (daemon) facts.push('daemon');
  return `<${facts.join(' ')}>`;
}

function describeEnd({ exitCode, signalCode }: ChildLife): string[] {
  if (exitCode === null) return ['started'];
  return ['stopped', `exitcode=${signalCode === null ? exitCode : `-${signalCode}`}`];
}

function signal(object: Process, name: NodeJS.Signals, options: SignalOptions | undefined): void {
  const life = lifeOf(object, `send ${name} to Process`);
  if (life.exitCode !== null) return;
  if (options?.tree === true) {
    if (life.pid === process.pid)
      throw new StateError(
        `Cannot send ${name} to all that Process has started: it is a thread, and they are this process's`,
      );
    signalTree(life.pid, name);
  }
  life.signal(name);
}

/**
 * The object of the process that this is, as {@link currentProcess} gives it.
 *
 * @internal
 * @param prototype of the class to make it of; its constructor is not run.
 * @param runTarget what the base class's `run()` does.
 */
export function makeCurrent(prototype: object, fields: object, runTarget: (() => unknown) | undefined): Process {
  const { name, daemon, path } = ownIdentity();
  const current = Object.create(prototype, Object.getOwnPropertyDescriptors(fields)) as Process;
  states.set(current, {
    name,
    daemon,
    authkey: ownAuthkey(),
    path,
    plan: parseOptions(undefined),
    phase: 'current',
    life: undefined,
    runTarget,
  });
  return current;
}
