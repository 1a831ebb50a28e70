/**
 * What a Condition needs from its lock: to give it up completely, and to get it back as it was.
 */
import { Core } from '../internal/shared-object.js';

/** How a lock was held when a wait gave it up. */
export interface Suspended {
  /** How often it had been acquired; 1 for a Lock. */
  readonly depth: number;
}

/** In-process state of a lock that a Condition can use. */
export abstract class MonitorCore<S extends Suspended = Suspended> extends Core {
  /** Does this thread own it? */
  abstract owned(): boolean;
  /** Releases it whatever the depth. The caller owns it. */
  abstract suspend(): S;
  /** Acquires it again as it was, however long that takes. */
  abstract resume(suspended: S): Promise<void>;
  /** The same, blocking the thread. */
  abstract resumeSync(suspended: S): void;
}

/** Stands for whoever takes a lock back after a wait: that must not be called off by closing anything. */
export const resuming = { closed: false } as const;
