/**
 * What parent and child say to each other over the connection between them.
 */
import type { TaskReference } from '../internal/task-reference.js';
import type { Identity } from './identity.js';
import type { LogSettings } from './logger.js';

/** The first of the parent's two messages, which are there before the child starts. */
export interface StartMessage {
  readonly identity: Identity;
  /** `process.argv` behind the executable. */
  readonly argv: readonly string[];
  readonly cwd: string | null;
  /** The subclass of Process, if it is one. */
  readonly subclass: TaskReference | null;
  readonly target: TaskReference | null;
  /** Modules that the data need. */
  readonly preload: readonly string[];
  /** Does the process go on until its event loop is empty? */
  readonly drain: boolean;
  readonly startMethod: string | null;
  readonly log: LogSettings;
}

/** The second one: to be received when the code is loaded, since classes in it may be registered there. */
export interface DataMessage {
  /** The subclass's own fields. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly args: readonly unknown[];
  /** Goes last, when it is there. */
  readonly kwargs: object | null;
}

/** What a child reports. */
export type Report =
  /** The user's code begins. */
  | { readonly kind: 'running' }
  /** What an error says that nobody caught: arrives whatever becomes of the error itself. */
  | { readonly kind: 'failure'; readonly text: string; readonly stack: string }
  /** The error. */
  | { readonly kind: 'error'; readonly error: unknown };
