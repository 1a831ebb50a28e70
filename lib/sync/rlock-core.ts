/**
 * In-process state of an RLock: the shared lock belongs to the thread, `run()` divides it among the thread's flows.
 */
import { OverReleaseError } from '../errors.js';
import { LockState, native, Status } from '../internal/native.js';
import { statusError } from '../internal/status-error.js';
import { type Attempt } from '../internal/wait.js';
import { forEver } from '../internal/wait-options.js';
import { MonitorCore, resuming, type Suspended } from './monitor.js';
import { currentFrame, type RunFrame } from './run-frame.js';

interface SuspendedRLock extends Suspended {
  readonly held: number;
  readonly run: RunFrame | null;
}

export class RLockCore extends MonitorCore<SuspendedRLock> {
  /** The `run()` that excludes the other flows of this thread. */
  run: RunFrame | null = null;
  /** How much of the depth was taken through hold() or run(). */
  held = 0;
  ownerDied = false;

  constructor(ref: number) {
    super(ref, 'rlock');
  }

  /** The depth at which this thread owns the lock; 0 if it does not. */
  depth(): number {
    return native.rlockState(this.ref) === LockState.Mine ? (native.out[1] ?? 0) : 0;
  }

  owned(): boolean {
    return native.rlockState(this.ref) === LockState.Mine && !this.blocked(currentFrame(this));
  }

  /** Does a `run()` of another flow keep the flow that is in `frame` out? */
  blocked(frame: RunFrame | null): boolean {
    return this.run !== null && this.run !== frame;
  }

  /** Acquires for a flow; natively the thread, which owns it already, only goes deeper. */
  attempt(ref: number, frame: RunFrame | null, waitMs: number): number {
    return this.blocked(frame) ? Status.Again : native.rlockAcquire(ref, waitMs);
  }

  /** @returns whether it was acquired; false when the time was over. */
  acquired(status: number): boolean {
    if (status >= 0) {
      if (status === 1) this.ownerDied = true;
      // Only the first acquisition can find a dead owner; what it found holds until the last release.
      else if (this.ownerDied && this.depth() === 1) this.ownerDied = false;
      return true;
    }
    if (status === Status.Again) return false;
    throw statusError(status, 'acquire RLock');
  }

  /** Releases one acquisition made by acquire(). */
  releasePlain(ref: number): void {
    if (this.held > 0 && this.blocked(currentFrame(this))) {
      throw statusError(Status.NotOwner, 'release RLock', 'a run() of another task holds it');
    }
    if (this.held > 0 && this.depth() <= this.held) {
      throw statusError(
        Status.NotOwner,
        'release RLock',
        'it was taken through hold() or run(), which alone can release it',
      );
    }
    const status = native.rlockRelease(ref);
    if (status < 0) throw releaseError(ref, status);
    this.main.nudge();
  }

  /** Counts an acquisition as one that hold() or run() made. */
  beginHold(): void {
    this.held += 1;
    this.retain();
  }

  /** Releases what {@link beginHold} counted. */
  endHold(): void {
    this.held -= 1;
    const status = native.rlockRelease(this.ref);
    this.main.nudge();
    this.release();
    // Closed: the environment is ending, and has let go of everything.
    if (status < 0 && status !== Status.Closed) throw statusError(status, 'release RLock');
  }

  /**
   * Makes an acquisition a flow's own: a new frame, or one level more of the frame that it is in.
   *
   * @param frame this lock's frame that the flow is in.
   * @param outer the innermost frame that the flow is in.
   */
  enterRun(frame: RunFrame | null, outer: RunFrame | undefined): RunFrame {
    this.beginHold();
    if (frame !== null && this.run === frame) {
      frame.depth += 1;
      return frame;
    }
    return (this.run = { lock: this, outer, depth: 1 });
  }

  leaveRun(frame: RunFrame): void {
    frame.depth -= 1;
    if (frame.depth === 0 && this.run === frame) this.run = null;
    this.endHold();
  }

  suspend(): SuspendedRLock {
    const { held, run } = this;
    const depth = native.rlockReleaseAll(this.ref);
    if (depth < 0) throw statusError(depth, 'release RLock');
    this.held = 0;
    this.run = null;
    this.main.nudge();
    return { depth, held, run };
  }

  async resume(suspended: SuspendedRLock): Promise<void> {
    const attempt: Attempt = (waitMs) => this.attempt(this.ref, null, waitMs);
    await this.main.wait(resuming, forEver, attempt, (status) => {
      this.#restore(status, suspended);
    });
  }

  resumeSync(suspended: SuspendedRLock): void {
    // The thread was blocked since suspend(), so no other flow of it can have begun a run().
    this.#restore(
      this.main.waitSync((waitMs) => native.rlockAcquire(this.ref, waitMs), Infinity),
      suspended,
    );
  }

  #restore(status: number, { depth, held, run }: SuspendedRLock): void {
    this.acquired(status);
    // Another flow of this thread may own it by now, at a depth of its own: ours comes on top.
    const reached = native.rlockSetDepth(this.ref, this.depth() - 1 + depth);
    if (reached < 0) throw statusError(reached, 'acquire RLock');
    this.held += held;
    this.run = run;
  }
}

function releaseError(ref: number, status: number): Error {
  if (status !== Status.NotOwner) return statusError(status, 'release RLock');
  if (native.rlockState(ref) === LockState.Free) return new OverReleaseError('Cannot release RLock: it is not held');
  return statusError(status, 'release RLock', 'this thread does not own it');
}
