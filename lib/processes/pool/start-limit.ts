/**
 * StartLimit: whether it makes sense to start further workers, when those that were started do not last.
 *
 * A start that fails by itself (an error at an import or in the initializer, an exit, a crash) will fail again: few in a row are proof. One that is
 * killed may have met the system's want of memory, or somebody who kills what he sees: that can pass. So such workers are replaced more often, and ever
 * later, but not for ever: code that kills its own process looks the same from here.
 */

/** So many starts in a row that fail by themselves make it pointless to go on. */
const MOST_FAILED = 3;
/** The same for those that are killed: this many, and three times all workers at least. */
const MOST_KILLED = 10;
const KILLED_ROUNDS = 3;
/** Milliseconds before the next start when all workers were killed once; twice as long each time after that. */
const FIRST_DELAY = 100;
const LONGEST_DELAY = 2000;
/** Milliseconds after which a worker that is ready, and is not given anything to do, has lasted. */
const LASTING = 5000;

/** What the system sends to a process for what that does itself. */
const faults: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS']);

/** How a worker ended that nobody wanted to end. */
export interface WorkerEnd {
  readonly signalCode: NodeJS.Signals | null;
  /** Milliseconds for which it was ready for work; `undefined`: it never was. */
  readonly lasted: number | undefined;
  /** Did it ever begin a job? */
  readonly worked: boolean;
}

/** Counts for one pool. */
export class StartLimit {
  readonly #workers: number;
  readonly #mostKilled: number;
  /** In a row, since a worker became ready. */
  #failed = 0;
  #killed = 0;
  /** Workers in a row that ended by themselves as soon as they were ready. */
  #idleEnds = 0;

  /** @param workers how many there are at a time. */
  constructor(workers: number) {
    this.#workers = workers;
    this.#mostKilled = Math.max(MOST_KILLED, KILLED_ROUNDS * workers);
  }

  ready(): void {
    this.#failed = 0;
    this.#killed = 0;
  }

  ended({ signalCode, lasted, worked }: WorkerEnd): void {
    const killed = signalCode !== null && !faults.has(signalCode);
    if (lasted === undefined) {
      if (killed) this.#killed += 1;
      else this.#failed += 1;
    } else if (worked || lasted >= LASTING) {
      this.#idleEnds = 0;
    } else if (!killed) {
      this.#idleEnds += 1;
    }
  }

  /** Why no more workers should be started. */
  get reason(): string | undefined {
    if (this.#failed >= MOST_FAILED) return 'its workers end before they are ready';
    if (this.#idleEnds >= MOST_FAILED) return 'its workers end as soon as they are ready';
    if (this.#killed >= this.#mostKilled) return `${this.#killed} workers in a row were killed before they were ready`;
    return undefined;
  }

  /** Milliseconds to wait before the next start. */
  get delay(): number {
    const rounds = Math.floor(this.#killed / this.#workers);
    return rounds === 0 ? 0 : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (rounds - 1));
  }
}
