/**
 * Which asynchronous flow is inside which `run()` callback.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** One running `run()` of one lock, with those nested in it. */
export interface RunFrame {
  /** Identifies the lock within this thread. */
  readonly lock: object;
  /** The frame around it, of another lock or of an earlier `run()`. */
  readonly outer: RunFrame | undefined;
  /** How many `run()` of this flow are inside each other; 0 = over. */
  depth: number;
}

// Made at the first run(): programs that never use one should not pay for the tracking.
let storage: AsyncLocalStorage<RunFrame> | undefined;

/** The innermost frame that the calling flow is in, of whatever lock. */
export function innermostFrame(): RunFrame | undefined {
  return storage?.getStore();
}

/** The frame of `lock` that the calling flow is in. */
export function currentFrame(lock: object): RunFrame | null {
  for (let frame = innermostFrame(); frame !== undefined; frame = frame.outer) {
    if (frame.lock === lock && frame.depth > 0) return frame;
  }
  return null;
}

/** Calls `fn` as part of `frame`. */
export function callInFrame<T>(frame: RunFrame, fn: () => T): T {
  storage ??= new AsyncLocalStorage();
  return storage.run(frame, fn);
}
