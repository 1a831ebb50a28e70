/**
 * The jobs that a session has given to pools and waits for.
 */
import type { Engine } from './engine.js';
import type { KeptOutcome } from './job-outcome.js';
import { COLLECT, WITHDRAW } from './pool-scripts.js';
import type { ModuleBuild } from './build.js';
import { BuildWatch } from './pool-workers.js';
import type { Session } from './session.js';

/** Milliseconds without an outcome after which somebody looks whether anybody can do what is waited for. */
const LOOK = 500;

/** Several jobs that are waited for together. */
interface Batch {
  readonly outcomes: (KeptOutcome | undefined)[];
  readonly watch: BuildWatch;
  left: number;
  resolve(outcomes: KeptOutcome[]): void;
  reject(error: unknown): void;
}

/** A job's place among those that are waited for together. */
interface Place {
  readonly batch: Batch;
  readonly index: number;
}

/** One look at the workers serves all who need the same. */
interface SharedWatch {
  readonly watch: BuildWatch;
  readonly key: string;
  users: number;
}

const bySession = new WeakMap<Session, PoolCalls>();

/** The calls of a session: one loop receives what comes of all of them. */
export class PoolCalls {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #places = new Map<string, Place>();
  readonly #watches = new Map<string, SharedWatch>();
  #isCollecting = false;

  private constructor(engine: Engine, session: Session) {
    this.#engine = engine;
    this.#session = session;
  }

  static of(engine: Engine, session: Session): PoolCalls {
    let calls = bySession.get(session);
    if (calls === undefined) bySession.set(session, (calls = new PoolCalls(engine, session)));
    return calls;
  }

  /**
   * Gives jobs away, and waits for what comes of them all.
   *
   * @param submit gives them to the engine.
   * @param signal rejects at once with its reason; the jobs are withdrawn.
   * @throws BuildMismatchError; BrokenPipeError when the session is lost; what `submit` throws.
   */
  async run(
    jobs: readonly string[],
    crew: string,
    wanted: ModuleBuild,
    submit: () => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<KeptOutcome[]> {
    const shared = this.#watchFor(crew, wanted);
    let onAbort = (): void => undefined;
    const over = new Promise<KeptOutcome[]>((resolve, reject) => {
      const outcomes = new Array<KeptOutcome | undefined>(jobs.length);
      const batch: Batch = { outcomes, watch: shared.watch, left: jobs.length, resolve, reject };
      for (const [index, job] of jobs.entries()) this.#places.set(job, { batch, index });
      onAbort = () => {
        reject(signal?.reason as Error);
      };
    });
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
    const submitted = submit();
    try {
      await Promise.race([submitted, over]);
      void this.#collect();
      return await over;
    } catch (error) {
      over.catch(() => undefined);
      for (const job of jobs) this.#places.delete(job);
      // After what is still on its way; the end of the session does it otherwise.
      submitted
        .catch(() => undefined)
        .then(() => this.#session.run(WITHDRAW, '', jobs, 'withdraw tasks'))
        .catch(() => undefined);
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      shared.users -= 1;
      if (shared.users === 0) this.#watches.delete(shared.key);
    }
  }

  #watchFor(crew: string, wanted: ModuleBuild): SharedWatch {
    const key = `${crew}\n${wanted.build}`;
    let shared = this.#watches.get(key);
    if (shared === undefined) {
      const watch = new BuildWatch(crew, wanted, this.#engine.address.lease);
      this.#watches.set(key, (shared = { watch, key, users: 0 }));
    }
    shared.users += 1;
    return shared;
  }

  /** Receives as long as somebody waits. */
  async #collect(): Promise<void> {
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    let confirmed: string[] = [];
    try {
      while (this.#places.size > 0) {
        const found = await this.#next(confirmed);
        confirmed = found.map(([job]) => job);
        for (const [job, outcome] of found) this.#arrive(job, outcome);
        if (found.length === 0) await this.#lookForWorkers();
      }
      // Somebody may call again meanwhile, who then begins anew.
      this.#isCollecting = false;
      if (confirmed.length > 0) await this.#session.run(COLLECT, '', confirmed, 'confirm results');
    } catch (error) {
      this.#isCollecting = false;
      for (const { batch } of this.#places.values()) batch.reject(error);
    }
  }

  async #next(confirmed: readonly string[]): Promise<[string, KeptOutcome][]> {
    const wait = { timeout: LOOK, signal: undefined };
    const reply = await this.#engine.wait(this.#session.id, wait, async () => {
      const found = (await this.#session.run(COLLECT, '', confirmed, 'wait for results')) as Buffer[];
      return found.length === 0 ? undefined : found;
    });
    const outcomes: [string, KeptOutcome][] = [];
    for (let at = 0; reply !== undefined && at < reply.length; at += 3) {
      const [job, kind, bytes] = reply.slice(at, at + 3) as [Buffer, Buffer, Buffer];
      outcomes.push([String(job), { kind: String(kind), bytes }]);
    }
    return outcomes;
  }

  #arrive(job: string, outcome: KeptOutcome): void {
    const place = this.#places.get(job);
    if (place === undefined) return;
    this.#places.delete(job);
    const { batch, index } = place;
    batch.outcomes[index] = outcome;
    batch.left -= 1;
    if (batch.left === 0) batch.resolve(batch.outcomes as KeptOutcome[]);
  }

  async #lookForWorkers(): Promise<void> {
    for (const { watch } of [...this.#watches.values()]) {
      const mismatch = await watch.look(this.#session);
      if (mismatch === undefined) continue;
      const hopeless = [...this.#places].filter(([, { batch }]) => batch.watch === watch);
      // Before anybody hears of it: who does may start workers that could do these jobs, which nobody waits for then.
      const jobs = hopeless.map(([job]) => job);
      await this.#session.run(WITHDRAW, '', jobs, 'withdraw tasks');
      for (const [, { batch }] of hopeless) batch.reject(mismatch);
    }
  }
}
