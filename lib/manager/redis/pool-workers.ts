/**
 * Who works for a crew, and whether anybody does who can do a job.
 */
import { now } from '../../internal/clock.js';
import { BuildMismatchError } from '../../errors.js';
import type { ModuleBuild } from './build.js';
import { WORKERS } from './pool-scripts.js';
import type { Session } from './session.js';

/** What a worker says of itself. */
export interface RedisWorkerFacts {
  readonly host: string;
  readonly pid: number;
  /** The modules whose tasks it runs, and their builds. */
  readonly modules: readonly ModuleBuild[];
}

/** Those that live: a dead one counts until its lease is over. */
export async function workersOf(session: Session, crew: string): Promise<RedisWorkerFacts[]> {
  const texts = (await session.run(WORKERS, crew, [], 'look at Pool')) as Buffer[];
  return texts.map((text) => JSON.parse(text.toString()) as RedisWorkerFacts);
}

/** Notices that there are workers, and none of them can do a job: for as long as a lease, since one of its build may be about to begin. */
export class BuildWatch {
  readonly #crew: string;
  readonly #wanted: ModuleBuild;
  readonly #patience: number;
  #since: number | undefined;

  /** @param patience milliseconds. */
  constructor(crew: string, wanted: ModuleBuild, patience: number) {
    this.#crew = crew;
    this.#wanted = wanted;
    this.#patience = patience;
  }

  /** @returns the error when that has lasted for too long. */
  async look(session: Session): Promise<BuildMismatchError | undefined> {
    const workers = await workersOf(session, this.#crew);
    const { module, build } = this.#wanted;
    const served = workers.flatMap(({ modules }) => modules);
    if (workers.length === 0 || served.some((each) => each.build === build)) {
      this.#since = undefined;
      return undefined;
    }
    this.#since ??= now();
    if (now() - this.#since < this.#patience) return undefined;
    const others = new Set(served.filter((each) => each.module === module).map((each) => each.build.slice(0, 12)));
    const theirs = others.size === 0 ? `none of it` : `build ${[...others].sort().join(', ')}`;
    return new BuildMismatchError(
      `Cannot run a task of ${module}, build ${build.slice(0, 12)}, in Pool '${this.#crew}': its ${workers.length} workers have ${theirs}`,
    );
  }
}
