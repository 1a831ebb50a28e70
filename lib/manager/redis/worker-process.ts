/**
 * What runs in a process that works for pools in Redis.
 */
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokenPipeError, MultiprocError } from '../../errors.js';
import { importModule } from '../../internal/import-module.js';
import { loadTask } from '../../internal/task-reference.js';
import { forEver } from '../../internal/wait-options.js';
import { importGuarded } from '../../processes/import-guard.js';
import type { Mode } from '../../processes/pool/job-message.js';
import { givesList } from '../../processes/pool/job-message.js';
import { failedOutcome, type JobOutcome, runJob } from '../../processes/pool/run-job.js';
import { task } from '../../processes/task.js';
import type { Event } from '../../sync/event.js';
import { buildOf } from './build.js';
import { type Engine, engineAt } from './engine.js';
import { encodeOutcome } from './job-outcome.js';
import { CLAIM_JOB, ENLIST, FINISH_JOB, RETURN_JOB } from './pool-scripts.js';
import type { RedisWorkerFacts } from './pool-workers.js';
import { leaseLost } from './redis-client.js';
import { decodeValue } from './redis-object.js';
import type { EngineAddress, Session } from './session.js';

/** Milliseconds between attempts to reach an engine that was there once. */
const RETRY = 500;

/** What a worker is given. */
export interface RedisWorkerSetup {
  readonly address: EngineAddress;
  /** The name of the pools that it works for. */
  readonly crew: string;
  /** URLs of the modules whose tasks it runs. */
  readonly modules: readonly string[];
  /** What their build is called; empty: what their bytes say. */
  readonly said: string;
}

/** The target of the processes. */
export const redisWorkerTask = task(
  'multiproc:redis-worker',
  async function work(setup: RedisWorkerSetup, begun: Event): Promise<void> {
    const stop = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        stop.abort();
      });
    const urls = new Map<string, string>();
    const modules = [];
    for (const url of setup.modules) {
      // Before it is imported: what is loaded is this, or what came later, and never what was there before.
      const known = buildOf(url, setup.said, 'work for Pool');
      await importGuarded(url, () => importModule(url));
      urls.set(known.build, url);
      modules.push(known);
    }
    const facts: RedisWorkerFacts = { host: hostname(), pid: process.pid, modules };
    begun.set();
    await new JobRunner(engineAt(setup.address), setup.crew, urls, facts, stop.signal).work();
    // Timers and sockets of the tasks' modules are no reason to stay.
    process.exit();
  },
);

/** A job in the hands of its worker. */
interface TakenJob {
  readonly session: Session;
  readonly job: string;
  readonly build: string;
  readonly name: string;
  readonly mode: Mode;
  readonly bytes: Buffer;
}

/** Takes jobs and does them, one after the other, until it is stopped. */
class JobRunner {
  readonly #engine: Engine;
  readonly #crew: string;
  readonly #urls: ReadonlyMap<string, string>;
  readonly #facts: RedisWorkerFacts;
  readonly #stop: AbortSignal;
  #session: Session | undefined;

  constructor(
    engine: Engine,
    crew: string,
    urls: ReadonlyMap<string, string>,
    facts: RedisWorkerFacts,
    stop: AbortSignal,
  ) {
    this.#engine = engine;
    this.#crew = crew;
    this.#urls = urls;
    this.#facts = facts;
    this.#stop = stop;
  }

  async work(): Promise<void> {
    let told = '';
    for (;;) {
      try {
        await this.#enlist();
        const taken = await this.#take();
        if (taken === undefined) break;
        await this.#do(taken);
        told = '';
      } catch (error) {
        if (this.#stop.aborted) break;
        // The engine is away, or full; what was being done is others' by now. It may come back.
        if (!(error instanceof MultiprocError)) throw error;
        if (error.message !== told) process.stderr.write(`multiproc worker: ${error.message}\n`);
        // oxlint-disable-next-line no-useless-assignment -- the next round reads it
        told = error.message;
        await pause(RETRY, undefined, { signal: this.#stop }).catch(() => undefined);
      }
    }
    await this.#engine.close();
  }

  /** Says in each new session who works there. */
  async #enlist(): Promise<void> {
    const session = await this.#engine.session();
    if (session === this.#session) return;
    await session.run(ENLIST, this.#crew, [JSON.stringify(this.#facts)], 'work for Pool');
    this.#session = session;
  }

  /** @returns `undefined` when it is to stop. */
  async #take(): Promise<TakenJob | undefined> {
    const action = 'take a task of Pool';
    if (this.#stop.aborted) return undefined;
    const taken = await this.#engine.wait<TakenJob>(
      this.#crew,
      { ...forEver, signal: this.#stop },
      async (session) => {
        if (session !== this.#session) throw leaseLost(action);
        const reply = (await session.run(CLAIM_JOB, this.#crew, [...this.#urls.keys()], action)) as Buffer[];
        const [job, build, name, mode, , bytes] = reply;
        if (bytes === undefined) return undefined;
        return {
          session,
          job: String(job),
          build: String(build),
          name: String(name),
          mode: Number(mode) as Mode,
          bytes,
        };
      },
      returnJob,
    );
    if (taken === undefined || !isAborted(this.#stop)) return taken;
    await returnJob(taken);
    return undefined;
  }

  async #do(taken: TakenJob): Promise<void> {
    const { session, job, mode } = taken;
    const finish = async (outcome: JobOutcome): Promise<void> => {
      const { kind, bytes } = encodeOutcome(outcome, givesList(mode));
      await session.run(FINISH_JOB, job, [kind, bytes], 'finish a task');
    };
    const outcome = await this.#outcomeOf(taken);
    try {
      await finish(outcome);
    } catch (error) {
      // Such as a value that is too large for the engine. Who has lost its lease has nothing to say.
      if (error instanceof BrokenPipeError || !(error instanceof MultiprocError)) throw error;
      await finish(failedOutcome(error));
    }
  }

  async #outcomeOf({ build, name, mode, bytes }: TakenJob): Promise<JobOutcome> {
    try {
      const fn = await loadTask({ module: this.#urls.get(build) ?? '', name });
      return await runJob(fn, mode, decodeValue(bytes), undefined);
    } catch (error) {
      return failedOutcome(error);
    }
  }
}

/** By now. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function returnJob({ session, job }: TakenJob): Promise<void> {
  await session.run(RETURN_JOB, job, [], 'give a task back');
}
