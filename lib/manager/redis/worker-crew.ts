/**
 * Processes that work for pools in Redis, and who takes care of them.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NotFoundError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import { usableCpuCount } from '../../processes/cpu-count.js';
import { Process } from '../../processes/process.js';
import { Event } from '../../sync/event.js';
import { withEnvironment } from './engine.js';
import { checkEngine, DEFAULT_LEASE, prefixOf } from './engine-options.js';
import { checkCrew, DEFAULT_CREW } from './pool-making.js';
import { connectRedis } from './redis-client.js';
import { redisWorkerTask, type RedisWorkerSetup } from './worker-process.js';

/** What the command line says. */
export interface RedisWorkerOptions {
  readonly engine: string;
  readonly namespace: string;
  readonly modules: readonly string[];
  readonly pool?: string | undefined;
  readonly processes?: number | undefined;
  readonly lease?: number | undefined;
  readonly build?: string | undefined;
}

/** Workers on this machine. */
export class RedisWorkerCrew {
  readonly #setup: RedisWorkerSetup;
  readonly #processes: number;
  readonly #log: (line: string) => void;
  readonly #children = new Set<Process>();
  #isStopping = false;
  #failure: string | undefined;

  /**
   * @param log is told what happens, line by line.
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); NotFoundError for a module that is not there. Nothing was started then.
   */
  constructor(options: RedisWorkerOptions, log: (line: string) => void) {
    const action = 'start workers';
    const { engine, namespace, modules, pool = DEFAULT_CREW, lease = DEFAULT_LEASE, build = '' } = options;
    const address = {
      url: withEnvironment(checkEngine(engine, lease, action)),
      prefix: prefixOf(namespace, action),
      lease,
    };
    this.#setup = { address, crew: checkCrew(pool, action), modules: modules.map(urlOfModule), said: build };
    this.#processes = checkInteger(options.processes ?? usableCpuCount(), 1, 1_000, 'processes', action);
    this.#log = log;
  }

  /**
   * Works until {@link stop}. A process that ends before is replaced.
   *
   * @returns why no process could begin, if none could.
   * @throws NotFoundError, PermissionError when the engine cannot be used.
   */
  async run(): Promise<string | undefined> {
    (await connectRedis(this.#setup.address.url)).destroy();
    const { crew, modules } = this.#setup;
    this.#log(`${this.#processes} workers for Pool '${crew}' with ${modules.join(' ')}`);
    try {
      await Promise.all(Array.from({ length: this.#processes }, () => this.#keepOne()));
    } catch (error) {
      this.stop();
      throw error;
    }
    return this.#failure;
  }

  /** Lets each finish the task that it is working on. Called once more: ends them at once. */
  stop(): void {
    const isFirst = !this.#isStopping;
    this.#isStopping = true;
    for (const child of this.#children) {
      if (isFirst) child.terminate();
      else child.kill();
    }
    if (isFirst) this.#log('ends when what is being worked on is finished');
  }

  #isOver(): boolean {
    return this.#isStopping;
  }

  async #keepOne(): Promise<void> {
    while (!this.#isOver()) {
      const begun = new Event();
      const child = new Process({ target: redisWorkerTask, args: [this.#setup, begun], daemon: true });
      try {
        child.start();
        this.#children.add(child);
        const code = await child.join();
        this.#children.delete(child);
        if (this.#isOver()) return;
        // What kills it is no fault of its modules.
        const couldBegin = begun.isSet() || (code ?? -1) < 0;
        if (couldBegin) this.#log(`worker ${child.pid} has ended with ${code}; another one takes its place`);
        else this.#giveUp(`Cannot work: a worker has ended with ${code} before it could begin`);
      } finally {
        child.close();
        begun.close();
      }
    }
  }

  #giveUp(reason: string): void {
    this.#failure ??= reason;
    if (!this.#isStopping) this.stop();
  }
}

/** As Node calls it when it is imported: links are followed. */
function urlOfModule(module: string): string {
  try {
    return pathToFileURL(realpathSync(resolve(module))).href;
  } catch (error) {
    throw new NotFoundError(`Cannot start workers: there is no module ${resolve(module)}`, { cause: error });
  }
}
