/**
 * What becomes of tasks in Redis.
 */
import { StateError, TimeoutError } from '../../errors.js';
import { parseWait, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedAsyncResult } from '../interfaces.js';
import { valueOfOutcome, type KeptOutcome } from './job-outcome.js';
import { LOOK_AT_JOB } from './pool-scripts.js';
import { BuildWatch } from './pool-workers.js';
import { RedisObject, registerRedisClass } from './redis-object.js';
import type { Session } from './session.js';

/** How far a job is. */
type Sight = KeptOutcome | { readonly crew: string; readonly module: string; readonly build: string };

/**
 * What becomes of one task of a pool in Redis, for whoever has it, in any process. The outcome stays in the engine for as long as the pool's `keepResults` says, whoever has got it; then this is NotFoundError.
 *
 * ```js
 * const result = await pool.applyAsync(render, [page]);
 * console.log(await result.get({ timeout: 60_000 }));
 * ```
 */
export class RedisAsyncResult<R = unknown> extends RedisObject implements ManagedAsyncResult<R> {
  /**
   * @throws what the task throws; TimeoutError (ERR_MULTIPROC_TIMEOUT); WorkerDiedError (ERR_MULTIPROC_WORKER_DIED); TerminatedError (ERR_MULTIPROC_TERMINATED);
   *   BuildMismatchError (ERR_MULTIPROC_BUILD_MISMATCH) when for the time of a lease there were workers, and none of its build: the task still waits for one.
   */
  async get(options?: WaitOptions | null): Promise<R> {
    const outcome = await this.#wait('get AsyncResult', options);
    if (outcome === undefined)
      throw new TimeoutError('Cannot get AsyncResult: it was not ready when the time was over');
    return valueOfOutcome(outcome) as R;
  }

  /** @returns whether there is a value or an error. */
  async wait(options?: WaitOptions | null): Promise<boolean> {
    return (await this.#wait('wait for AsyncResult', options)) !== undefined;
  }

  async ready(): Promise<boolean> {
    const session = await this.engine('look at AsyncResult').session();
    return 'kind' in (await this.#look(session, 'look at AsyncResult'));
  }

  /** @throws StateError (ERR_MULTIPROC_STATE) while it is not ready. */
  async successful(): Promise<boolean> {
    const session = await this.engine('look at AsyncResult').session();
    const sight = await this.#look(session, 'look at AsyncResult');
    if ('kind' in sight) return sight.kind === 'done';
    throw new StateError('Cannot tell whether AsyncResult is successful: it is not ready');
  }

  async #wait(action: string, options: WaitOptions | null | undefined): Promise<KeptOutcome | undefined> {
    const engine = this.engine(action);
    let watch: BuildWatch | undefined;
    return engine.wait(this.id, parseWait(options), async (session) => {
      const sight = await this.#look(session, action);
      if ('kind' in sight) return sight;
      watch ??= new BuildWatch(sight.crew, sight, engine.address.lease);
      const mismatch = await watch.look(session);
      if (mismatch !== undefined) throw mismatch;
      return undefined;
    });
  }

  async #look(session: Session, action: string): Promise<Sight> {
    const reply = (await this.operateIn(session, LOOK_AT_JOB, [], action)) as [Buffer, Buffer, Buffer?];
    const [first, second, third] = reply;
    if (third === undefined) return { kind: String(first), bytes: second };
    return { crew: String(first), module: String(second), build: String(third) };
  }
}

registerRedisClass(RedisAsyncResult);
