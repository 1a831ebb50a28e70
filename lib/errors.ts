/**
 * Every error that the library throws on purpose.
 *
 * Errors that a program may want to catch are subclasses of {@link MultiprocError} and carry a stable `code`
 * that starts with `ERR_MULTIPROC_`. Wrong arguments are the built-in `TypeError` and `RangeError`, with the
 * code `ERR_MULTIPROC_ARGUMENT`. An error that crosses to another process arrives as an instance of the same
 * class, with the same code and details.
 */

/** Facts that an error may carry besides its message. Each class says which ones it uses. */
export interface ErrorDetails {
  /** The error behind this one. */
  readonly cause?: unknown;
  /** How many items of a batch were dealt with before the failure. */
  readonly count?: number;
  /** Process id the error speaks of, as the kernel shows it in that process's own namespace. */
  readonly pid?: number;
  /** Exit code of a process; −N when signal N ended it; `null` when unknown. */
  readonly exitCode?: number | null;
  /** Name of the signal that ended a process, or `null`. */
  readonly signalCode?: string | null;
  /** Where in a value the trouble is, for example `.a.b[3]`; empty for the value itself. */
  readonly path?: string;
  /** Stack of the error in the process where it was thrown. */
  readonly remoteStack?: string;
  /** Bytes that were asked for. */
  readonly requested?: number;
  /** Bytes that were free. */
  readonly available?: number;
  /** The message that did not fit. */
  readonly data?: Uint8Array;
  /** System error number (positive), when a system call failed. */
  readonly errno?: number;
  /** Name of the system call that failed. */
  readonly syscall?: string;
}

/** Base of all errors of the library. Catch this to catch them all. */
export class MultiprocError extends Error {
  /** Code that instances of the class carry. */
  static readonly code: string = 'ERR_MULTIPROC';
  /** Stable text to test for; messages may change between versions, codes do not. */
  readonly code: string;
  declare readonly errno?: number;
  declare readonly syscall?: string;

  constructor(message: string, details: ErrorDetails = {}) {
    const { cause, ...facts } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = new.target.code;
    Object.assign(this, facts);
  }
}

/**
 * A queue had no room within the time given: nothing was put, except `count` items of a batch. Or a SharedMap has no room for an entry:
 * nothing was changed.
 */
export class Full extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_FULL';
  /** For a batch: how many items were put before room ran out. */
  declare readonly count?: number;
  /** A process that holds room it has not committed yet, when that is why there is none. */
  declare readonly pid?: number;
}

/** A queue had no item within the time given. Nothing was taken. */
export class Empty extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_EMPTY';
  declare readonly count?: number;
  /** A process that has begun an item and not committed it yet, when that is what blocks the queue. */
  declare readonly pid?: number;
}

/**
 * An operation other than a queue's did not finish within its `timeout`; or a new name was not free within a second,
 * because the process that is removing what had it does not go on. It had no effect.
 */
export class TimeoutError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_TIMEOUT';
}

/** The object was closed in this process; other processes may still use theirs. */
export class ClosedError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_CLOSED';
}

/** The queue was shut down for everybody: no further `put`, and no further `get` once it is drained. */
export class ShutDownError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_SHUT_DOWN';
  /** For a batch: how many items were put before the queue was shut down. */
  declare readonly count?: number;
}

/** The other end of a connection is gone, by `close()` or by death, and everything it sent has been received. */
export class EOFError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_EOF';
}

/** Nobody is left who could receive what was to be sent. */
export class BrokenPipeError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_BROKEN_PIPE';
}

/** A received message is larger than the buffer offered for it. */
export class BufferTooShort extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_BUFFER_TOO_SHORT';
  /** The whole message, which has left the connection. */
  declare readonly data?: Uint8Array;
}

/** A barrier was aborted or reset, or one of its parties timed out or failed. */
export class BrokenBarrierError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_BROKEN_BARRIER';
}

/** The other side of a connection does not know the secret key, or refused ours. */
export class AuthenticationError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_AUTHENTICATION';
}

/** The process that worked on a task ended before it delivered the result. */
export class WorkerDiedError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_WORKER_DIED';
  declare readonly pid?: number;
  declare readonly exitCode?: number | null;
  declare readonly signalCode?: string | null;
}

/** There are workers for a task, on this machine or others, and all of them have another build of its module. Nobody has begun it. */
export class BuildMismatchError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_BUILD_MISMATCH';
}

/** The pool or process was terminated before the result was there. */
export class TerminatedError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_TERMINATED';
}

/** A value cannot travel to another process: a function, a symbol, a socket, … Nothing was sent. */
export class NotTransferableError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_NOT_TRANSFERABLE';
  /** Where in the value, for example `.a.b[3]`; empty for the value itself. */
  declare readonly path?: string;
}

/** Code in another process threw something that could not travel as itself. */
export class RemoteError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_REMOTE';
  declare readonly remoteStack?: string;
}

/** Only the owner of a lock may do this, and the caller is not the owner. */
export class OwnerError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_OWNER';
}

/** The wait could never end, because the caller itself holds what it waits for. */
export class DeadlockError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_DEADLOCK';
}

/** There is no shared object of that name or behind that handle (any more). */
export class NotFoundError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_NOT_FOUND';
}

/** There already is a shared object of that name. */
export class ExistsError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_EXISTS';
}

/** Shared memory is used up: usually the size of `/dev/shm`. */
export class NoSpaceError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_NO_SPACE';
  declare readonly requested?: number;
  declare readonly available?: number;
}

/** Shared memory does not hold what it must: a foreign, truncated or damaged file, or a damaged message. */
export class CorruptSegmentError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_CORRUPT_SEGMENT';
}

/** The shared object was made by a version of the library with another layout. */
export class VersionError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_VERSION';
}

/** The object is not in a state that allows this. */
export class StateError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_STATE';
}

/** The connection or channel end is for the other direction. */
export class DirectionError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_DIRECTION';
}

/** A message is longer than its receiver allows. */
export class LengthError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_LENGTH';
}

/** A lock that is free was released, or a semaphore beyond its bound. */
export class OverReleaseError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_OVER_RELEASE';
}

/** The channel was poisoned: it stops at once, buffered values are dropped. */
export class PoisonError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_POISON';
}

/** Everybody on the other side of the channel has retired, and buffered values are used up. */
export class RetireError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_RETIRE';
}

/** A name or handle leads to an object of another kind: a Lock opened as a Queue. */
export class KindError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_KIND';
}

/** A shared-memory file belongs to another user, or the system forbids to make or open it. */
export class PermissionError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_PERMISSION';
}

/** All places for participants of an object's segment are taken; see `maxParticipants`. */
export class LimitError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_LIMIT';
}

/** A system call failed in a way that has no error of its own here, such as too many open files; `errno` says which. */
export class SystemError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_SYSTEM';
}

/** The library has no native part for this platform, or it could not be loaded. */
export class UnsupportedPlatformError extends MultiprocError {
  static override readonly code: string = 'ERR_MULTIPROC_UNSUPPORTED_PLATFORM';
}

/** Code of the `TypeError` and `RangeError` that the library throws for wrong arguments. */
export const ARGUMENT_CODE = 'ERR_MULTIPROC_ARGUMENT';

/** A `TypeError` for an argument of the wrong kind, with the code `ERR_MULTIPROC_ARGUMENT`. */
export function argumentTypeError(message: string): TypeError & { readonly code: string } {
  return Object.assign(new TypeError(message), { code: ARGUMENT_CODE });
}

/** A `RangeError` for an argument out of range, with the code `ERR_MULTIPROC_ARGUMENT`. */
export function argumentRangeError(message: string): RangeError & { readonly code: string } {
  return Object.assign(new RangeError(message), { code: ARGUMENT_CODE });
}

type ErrorClass = typeof MultiprocError;

const errorClasses: Readonly<Record<string, ErrorClass>> = {
  MultiprocError,
  Full,
  Empty,
  TimeoutError,
  ClosedError,
  ShutDownError,
  EOFError,
  BrokenPipeError,
  BufferTooShort,
  BrokenBarrierError,
  AuthenticationError,
  WorkerDiedError,
  BuildMismatchError,
  TerminatedError,
  NotTransferableError,
  RemoteError,
  OwnerError,
  DeadlockError,
  NotFoundError,
  ExistsError,
  NoSpaceError,
  CorruptSegmentError,
  VersionError,
  StateError,
  DirectionError,
  LengthError,
  OverReleaseError,
  PoisonError,
  RetireError,
  KindError,
  PermissionError,
  LimitError,
  SystemError,
  UnsupportedPlatformError,
};

const classByCode = new Map<string, ErrorClass>();
for (const [name, errorClass] of Object.entries(errorClasses)) {
  // On the prototype, as the built-in errors have it: an own property would show up in every printed error. The
  // name comes from the table, because a minifier may rename the class itself.
  Object.defineProperty(errorClass.prototype, 'name', { value: name, writable: true, configurable: true });
  classByCode.set(errorClass.code, errorClass);
}

/** The error class that belongs to `code`, or `undefined` when the code is not one of the library's. */
export function errorClassForCode(code: string): ErrorClass | undefined {
  return classByCode.get(code);
}

/**
 * Makes the error that belongs to `code`: an instance of the class with that code, a `TypeError` for
 * `ERR_MULTIPROC_ARGUMENT`, and a plain {@link MultiprocError} for a code that is not known.
 */
export function errorForCode(code: string, message: string, details?: ErrorDetails): Error {
  if (code === ARGUMENT_CODE) return argumentTypeError(message);
  const ErrorForCode = classByCode.get(code) ?? MultiprocError;
  return new ErrorForCode(message, details);
}
