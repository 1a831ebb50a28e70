/**
 * RunningChild: what a process and a thread have in common for whoever started it.
 */
import type { Readable, Writable } from 'node:stream';

/** How it ended. */
export interface Ending {
  /** Exit code; −N when signal N ended it. */
  readonly exitCode: number;
  /** Name of that signal. */
  readonly signalCode: NodeJS.Signals | null;
}

/** Its standard streams, where they are pipes to this process. */
export interface ChildStreams {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}

/** Somebody who was started, until it is released. */
export interface RunningChild extends ChildStreams {
  readonly pid: number;
  /** What native code knows it by. */
  readonly number: number;
  /** How it ended, or undefined while it runs; blocks the thread for at most `waitMs`. */
  look(waitMs: number): Ending | undefined;
  /** What ended it, where it could not say so itself. */
  readonly failure?: Error | undefined;
  /** Sends a signal; lost when it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Keeps the event loop alive while true. */
  keepAlive(on: boolean): void;
  /** It has ended, and all that is to be known of that is known. */
  release(): void;
  /** Closes this side of the pipes. */
  closeStreams(): void;
}
