/**
 * Route: a way to a manager.
 */
import type { Line } from './line.js';
import type { Reply } from './messages.js';

/** A line that this thread has open. */
export interface OpenLine {
  readonly line: Line<Reply>;
  /** The manager has answered: from now on the line itself tells of its end. */
  accepted(): void;
}

/** How a manager is reached from this thread. */
export interface Route {
  /**
   * Opens a line; what is sent over it arrives when it is accepted.
   *
   * @param gone called when it turns out that it never will be, with the reason if there is one to tell.
   */
  open(gone: (error?: Error) => void): OpenLine;
  /**
   * Does a call that blocks the thread. Absent: none can be had.
   *
   * @param patience milliseconds after which nobody waits for the answer any more, whatever has been done; default: for ever. It is less
   *   while the answer to the call before is still owed.
   */
  readonly callSync?: (
    object: number,
    method: string,
    args: readonly unknown[],
    timeout: number,
    patience?: number,
  ) => unknown;
  close(): void;
}
