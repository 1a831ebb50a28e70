/**
 * This process, its parent and its children, as objects.
 */
import { inspect } from 'node:util';
import { now } from '../internal/clock.js';
import { Latch } from '../internal/latch.js';
import { call, native } from '../internal/native.js';
import { doChores, SLICE } from '../internal/wait.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import { keepLoopAlive, unwatchEnds, watchEnds } from './end-watch.js';
import { ownIdentity } from './identity.js';
import { livingChildren } from './living-children.js';
import { makeCurrent, Process } from './process.js';

let current: Process | undefined;

/** @internal The child has made it. */
export function becomeCurrent(process: Process): void {
  current = process;
}

/**
 * The process that this is: in a child the object whose `run()` is called, of the class that was started; in the main process one named
 * `MainProcess`. It can be neither started nor joined.
 */
export function currentProcess(): Process {
  return (current ??= makeCurrent(Process.prototype, {}, undefined));
}

/** The children of this process that run now, in the order in which they were started. */
export function activeChildren(): Process[] {
  return livingChildren().map(({ process }) => process as Process);
}

/** The process that started this one. */
export class ParentProcess {
  readonly pid: number;
  readonly name: string;
  /** It is a thread of it: both end together, or that one first. */
  readonly #isOurs: boolean;
  #ended: Latch | undefined;

  /** @internal */
  constructor(pid: number, name: string) {
    this.pid = pid;
    this.name = name;
    this.#isOurs = pid === process.pid;
  }

  /** Does it still run? Answered by the kernel; a stopped one does. */
  isAlive(): boolean {
    return this.#isOurs || !native.parentIsGone(0);
  }

  /**
   * Waits for its end, without blocking the thread.
   *
   * @returns whether it has ended.
   * @throws `signal.reason`.
   */
  async join(options?: WaitOptions | null): Promise<boolean> {
    const wait = parseWait(options);
    if (wait.timeout <= 0 || !this.isAlive()) return !this.isAlive();
    const ended = this.#endLatch();
    keepLoopAlive(true);
    try {
      return await ended.wait(wait);
    } finally {
      keepLoopAlive(false);
    }
  }

  #endLatch(): Latch {
    if (this.#ended !== undefined) return this.#ended;
    if (this.#isOurs) return (this.#ended = new Latch());
    call(() => {
      native.watchParent();
    });
    const latch = (this.#ended = new Latch());
    const look = (): void => {
      if (this.isAlive()) return;
      unwatchEnds(look);
      latch.open();
    };
    watchEnds(look);
    // It may have died before anybody listened.
    look();
    return latch;
  }

  /** As {@link join}, blocking the thread. */
  joinSync(options?: WaitOptions | null): boolean {
    const { timeout } = parseWait(options);
    const deadline = now() + timeout;
    let left = timeout;
    while (!this.#hasEnded(Math.min(Math.max(left, 0), SLICE))) {
      doChores();
      left = deadline - now();
      if (left <= 0) return false;
    }
    return true;
  }

  #hasEnded(waitMs: number): boolean {
    if (!this.#isOurs) return native.parentIsGone(waitMs);
    native.sleepOn([], [], [], waitMs);
    return false;
  }

  toString(): string {
    return `<ParentProcess name='${this.name}' pid=${this.pid} ${this.isAlive() ? 'started' : 'stopped'}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }
}

let parent: ParentProcess | null | undefined;

/** The process that started this one; `null` in the main process. */
export function parentProcess(): ParentProcess | null {
  if (parent === undefined) {
    const known = ownIdentity().parent;
    parent = known === null ? null : new ParentProcess(known.pid, known.name);
  }
  return parent;
}
