/**
 * Line: what a client and the server exchange frames over, whatever carries it.
 */
import type { Frame } from '../channels/outgoing.js';

/** One side of it. @typeParam T what comes in. */
export interface Line<T> {
  /** Waits until there is one to get, or none will come. */
  ready(): Promise<void>;
  /** The next one, if there is one. @throws what decoding it threw. */
  tryGet(): T | undefined;
  /** The other side has gone, and everything was got. Known after a try to get. */
  readonly over: boolean;
  /**
   * The value is copied now.
   *
   * @returns `undefined` when it has been taken over, else a promise of that.
   * @throws NotTransferableError; any other error: the other side has gone.
   */
  send(frame: Frame): Promise<void> | undefined;
  /** Ends it, and the waits of this side. */
  close(): void;
}
