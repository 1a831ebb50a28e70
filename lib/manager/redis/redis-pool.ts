/**
 * Pools in Redis.
 */
import { inspect } from 'node:util';
import { argumentTypeError, StateError, TerminatedError, TimeoutError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import { addressToSend, type TaskReference } from '../../internal/task-reference.js';
import { forEver, parseWait, type WaitOptions } from '../../internal/wait-options.js';
import { argumentLists, listOf } from '../../processes/pool/items.js';
import { Mode } from '../../processes/pool/job-message.js';
import type { ManagedPool, ManagedTask } from '../interfaces.js';
import { buildOf, type ModuleBuild } from './build.js';
import { valueOfOutcome } from './job-outcome.js';
import { PoolCalls } from './pool-calls.js';
import { END_POOL, LOOK_AT_POOL, POOL_FACTS, SUBMIT } from './pool-scripts.js';
import { type RedisWorkerFacts, workersOf } from './pool-workers.js';
import { RedisAsyncResult } from './redis-async-result.js';
import { encodeValue, newId, RedisObject, registerRedisClass } from './redis-object.js';
import type { ScriptArgument } from './script.js';
import type { Session } from './session.js';

/** So many jobs of a list go to the engine in one step. */
const BATCH = 64;
/** Longest delay that Node's timers take: 24 days. What may take longer may take any time. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** A list makes so many jobs, or less, unless it is said how large they are. */
const MOST_CHUNKS = 128;

/** What a pool in Redis is busy with. */
export interface RedisPoolStats {
  readonly state: 'open' | 'closed' | 'terminated';
  /** Jobs of this pool that are not over. */
  readonly unfinished: number;
  /** Workers that take jobs of pools of this name. */
  readonly workers: readonly RedisWorkerFacts[];
}

/** A task, as the engine has it. */
interface Target extends ModuleBuild {
  readonly crew: string;
  readonly name: string;
}

/**
 * A pool in Redis. Its tasks are done by workers on any machine, each started with
 *
 * ```sh
 * npx multiproc worker --engine redis://host:6379 --namespace shop --module ./tasks.js
 * ```
 *
 * - **At least once**: a job whose worker dies, or is out of reach for the time of the lease, is done by another one; so tasks must bear to be begun again. After `attempts` of them it fails with WorkerDiedError.
 * - **Builds**: only names and values travel. A job is done by workers whose module has the same file name and the same bytes (or the same `build`), and waits while there is no worker. When for the time of a lease there are only others,
 *   the call fails with BuildMismatchError.
 * - **A caller that ends** takes its calls with it, except those made by `applyAsync`.
 *
 * ```js
 * const pool = await manager.Pool();
 * console.log(await pool.map(square, [1, 2, 3])); // [ 1, 4, 9 ]
 * ```
 */
export class RedisPool extends RedisObject implements ManagedPool {
  #facts: Promise<{ readonly crew: string; readonly said: string }> | undefined;

  /**
   * @param options milliseconds from the call until its result; a signal.
   * @throws what the task throws; WorkerDiedError (ERR_MULTIPROC_WORKER_DIED); BuildMismatchError (ERR_MULTIPROC_BUILD_MISMATCH); TimeoutError (ERR_MULTIPROC_TIMEOUT); `signal.reason`; TerminatedError (ERR_MULTIPROC_TERMINATED);
   *   StateError (ERR_MULTIPROC_STATE) when the pool was closed before; NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE).
   */
  async apply(task: ManagedTask, args: readonly unknown[] = [], options?: WaitOptions | null): Promise<unknown> {
    const action = 'apply task in Pool';
    const bytes = argumentsOf(args, action);
    const [value] = await this.#run(task, Mode.apply, [bytes], options, action);
    return value;
  }

  /** As {@link apply}, but gives what becomes of it, which outlives this process and is kept for a time. */
  async applyAsync(task: ManagedTask, args: readonly unknown[] = []): Promise<RedisAsyncResult> {
    const action = 'apply task in Pool';
    const bytes = argumentsOf(args, action);
    const engine = this.engine(action);
    const session = await engine.session();
    const target = await this.#target(task, action);
    const job = newId();
    await this.#submit(session, target, Mode.apply, 0, [job, bytes], action);
    return new RedisAsyncResult(engine, job);
  }

  /**
   * Calls a task with each item. Waits for all of them, also when one has failed; then gives the values in order, or the first item's error.
   *
   * @param options how many items go to a worker at once, and are begun again together; default: such that there are 128 jobs at most.
   */
  async map(
    task: ManagedTask,
    items: Iterable<unknown>,
    options: { readonly chunksize?: number } & WaitOptions = {},
  ): Promise<unknown[]> {
    const action = 'map task in Pool';
    return this.#map(task, Mode.map, listOf(items, action), options, action);
  }

  /** As {@link map}, with several arguments for each call. */
  async starmap(
    task: ManagedTask,
    items: Iterable<readonly unknown[]>,
    options: { readonly chunksize?: number } & WaitOptions = {},
  ): Promise<unknown[]> {
    const action = 'starmap task in Pool';
    return this.#map(task, Mode.starmap, argumentLists(listOf(items, action), action), options, action);
  }

  /** No more tasks, from anybody; workers are not concerned. The object itself is let go of by `using`. */
  // oxlint-disable-next-line typescript/no-misused-promises -- as in Python, what is closed is the pool
  override async close(): Promise<void> {
    await this.operate(END_POOL, ['closed'], 'close Pool');
  }

  /** No more tasks, and what is not over fails with TerminatedError, for everybody. A task that a worker has begun runs to its end there, and nobody hears of it. */
  async terminate(): Promise<void> {
    for (let left = 1; left > 0;) left = (await this.operate(END_POOL, ['terminated'], 'terminate Pool')) as number;
  }

  /** Waits until all tasks of a pool that was closed are over. @throws StateError (ERR_MULTIPROC_STATE) when it was not. */
  async join(): Promise<void> {
    const action = 'join Pool';
    await this.engine(action).wait(this.id, forEver, async (session) => {
      const [state, left] = (await this.operateIn(session, LOOK_AT_POOL, [], action)) as [Buffer, number];
      if (String(state) === 'open') throw new StateError('Cannot join Pool: it must be closed or terminated first');
      return left === 0 ? true : undefined;
    });
  }

  /** Its state, its jobs, and who works. */
  async stats(): Promise<RedisPoolStats> {
    const action = 'look at Pool';
    const session = await this.engine(action).session();
    const { crew } = await this.#known(action);
    const [state, unfinished] = (await this.operateIn(session, LOOK_AT_POOL, [], action)) as [Buffer, number];
    return { state: String(state) as RedisPoolStats['state'], unfinished, workers: await workersOf(session, crew) };
  }

  override [Symbol.dispose](): void {
    super.close();
  }

  /** Terminates the pool. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
    super.close();
  }

  async #map(
    task: ManagedTask,
    mode: Mode,
    items: readonly unknown[],
    options: { readonly chunksize?: number } & WaitOptions,
    action: string,
  ): Promise<unknown[]> {
    const size = checkInteger(
      options.chunksize ?? Math.max(1, Math.ceil(items.length / MOST_CHUNKS)),
      1,
      2 ** 31,
      'chunksize',
      action,
    );
    const chunks: Buffer[] = [];
    for (let first = 0; first < items.length; first += size) chunks.push(encodeValue(items.slice(first, first + size)));
    if (chunks.length === 0) {
      taskAddress(task, action);
      return [];
    }
    return (await this.#run(task, mode, chunks, options, action)).flat();
  }

  /** Gives jobs away and waits for all of their values. */
  async #run(
    task: ManagedTask,
    mode: Mode,
    payloads: readonly Buffer[],
    options: WaitOptions | null | undefined,
    action: string,
  ): Promise<unknown[]> {
    const { timeout, signal } = parseWait(options);
    const engine = this.engine(action);
    const limit = new TimeLimit(timeout, signal, action);
    try {
      // The engine may be away.
      const session = await limit.of(engine.session());
      const target = await limit.of(this.#target(task, action));
      const jobs = payloads.map(newId);
      const submit = async (): Promise<void> => {
        for (let at = 0; at < jobs.length; at += BATCH) {
          const part = jobs.slice(at, at + BATCH).flatMap((job, index) => [job, payloads[at + index] as Buffer]);
          await this.#submit(session, target, mode, 1, part, action);
        }
      };
      const outcomes = await PoolCalls.of(engine, session).run(jobs, target.crew, target, submit, limit.signal);
      return outcomes.map(valueOfOutcome);
    } finally {
      limit.end();
    }
  }

  async #submit(
    session: Session,
    { build, module, name }: Target,
    mode: Mode,
    bound: 0 | 1,
    jobs: readonly ScriptArgument[],
    action: string,
  ): Promise<void> {
    const reply = await this.operateIn(session, SUBMIT, [build, module, name, mode, bound, ...jobs], action);
    const state = String((reply as [Buffer])[0]);
    if (state === 'terminated') throw new TerminatedError(`Cannot ${action}: the pool was terminated`);
    if (state !== 'open') throw new StateError(`Cannot ${action}: the pool was closed`);
  }

  async #target(task: ManagedTask, action: string): Promise<Target> {
    const { module, name = 'default' } = taskAddress(task, action);
    const { crew, said } = await this.#known(action);
    return { crew, name, ...buildOf(module, said, action) };
  }

  #known(action: string): Promise<{ readonly crew: string; readonly said: string }> {
    const asking = (this.#facts ??= this.operate(POOL_FACTS, [], action).then((reply) => {
      const [crew, said] = (reply as [Buffer, Buffer]).map(String) as [string, string];
      return { crew, said };
    }));
    asking.catch(() => {
      if (this.#facts === asking) this.#facts = undefined;
    });
    return asking;
  }
}

function taskAddress(task: ManagedTask, action: string): TaskReference {
  return addressToSend(task, action);
}

function argumentsOf(args: unknown, action: string): Buffer {
  if (!Array.isArray(args))
    throw argumentTypeError(`Cannot ${action}: args must be an array, received ${inspect(args)}`);
  return encodeValue(args);
}

/** A signal that aborts with the caller's own, and when the time is over. */
class TimeLimit {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(timeout: number, signal: AbortSignal | undefined, action: string) {
    const own = new AbortController();
    this.signal = signal === undefined ? own.signal : AbortSignal.any([own.signal, signal]);
    if (timeout > LONGEST_TIMER) return;
    const late = (): void => {
      own.abort(new TimeoutError(`Cannot ${action}: there was no result when the time was over`));
    };
    this.#timer = setTimeout(late, Math.max(timeout, 0));
  }

  /** Waits for that; rejects when the signal aborts first. */
  async of<T>(promise: Promise<T>): Promise<T> {
    const end = new AbortController();
    const over = new Promise<never>((_, reject) => {
      const onAbort = (): void => {
        reject(this.signal.reason as Error);
      };
      if (this.signal.aborted) onAbort();
      else this.signal.addEventListener('abort', onAbort, { signal: end.signal });
    });
    try {
      return await Promise.race([promise, over]);
    } finally {
      end.abort();
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

registerRedisClass(RedisPool);
