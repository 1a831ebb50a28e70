/**
 * Sections: what happens under a channel's lock, without interruption in this thread.
 */
import { coreOf } from '../internal/handle.js';
import { LockState, native, Status } from '../internal/native.js';
import type { Core } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import type { Lock } from '../sync/lock.js';

/** What a channel does around its sections. */
export interface SectionHooks {
  /** First of all in each. */
  begun(): void;
  /** After one in which {@link Sections.tellLater} was called, once for each participant, when the lock is free again. */
  tell(participant: number): void;
}

/** The sections of one channel in this thread. */
export class Sections {
  readonly #lock: Lock;
  readonly #lockRef: number;
  readonly #hooks: SectionHooks;
  /** Does the section that runs have to release the lock? */
  #isOwner = false;
  /** How many sections run, one inside the other: letting go of what a value refers to may lead back here. */
  #depth = 0;
  readonly #told = new Set<number>();

  constructor(lock: Lock, hooks: SectionHooks) {
    this.#lock = lock;
    this.#lockRef = (coreOf(lock) as Core).ref;
    this.#hooks = hooks;
  }

  /** Enters a section if the lock is free. */
  tryEnter(): boolean {
    if (this.#depth > 0) {
      this.#depth += 1;
      return true;
    }
    const status = native.lockAcquire(this.#lockRef, 0, 0, 0);
    if (status < 0 && status !== Status.Again) throw statusError(status, 'use Channel');
    // Mine though it is not free: it was given to a task of this thread that has not come to use it yet, and can wait for this section.
    if (status === Status.Again && native.lockState(this.#lockRef) !== LockState.Mine) return false;
    this.#begin(status !== Status.Again);
    return true;
  }

  /** Enters a section when this thread was given the lock. */
  enterOwned(): void {
    this.#begin(true);
  }

  #begin(isOwner: boolean): void {
    this.#isOwner = isOwner;
    this.#depth = 1;
    try {
      this.#hooks.begun();
    } catch (error) {
      this.exit();
      throw error;
    }
  }

  exit(): void {
    this.#depth -= 1;
    if (this.#depth > 0) return;
    if (this.#isOwner) this.#lock.release();
    if (this.#told.size === 0) return;
    const told = [...this.#told];
    this.#told.clear();
    for (const participant of told) this.#hooks.tell(participant);
  }

  /**
   * Has a participant told when the section is over: whoever was woken now would only find the lock taken. Should this thread die before, they
   * look by themselves.
   */
  tellLater(participant: number): void {
    if (this.#depth > 0) this.#told.add(participant);
    else this.#hooks.tell(participant);
  }
}
