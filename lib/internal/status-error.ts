/**
 * The public error for a native status.
 */
import { getSystemErrorName } from 'node:util';
import {
  BrokenBarrierError,
  ClosedError,
  CorruptSegmentError,
  DeadlockError,
  MultiprocError,
  NoSpaceError,
  OverReleaseError,
  OwnerError,
  ShutDownError,
  SystemError,
} from '../errors.js';
import { native, Status } from './native.js';

/**
 * Makes the error for a negative status other than `Status.Again`.
 *
 * @param status as a native hot operation returned it, read before any other native call (secondary results).
 * @param action completes "Cannot …", for example `release Lock`.
 * @param reason replaces the general reason.
 */
export function statusError(status: number, action: string, reason?: string): MultiprocError {
  switch (status) {
    case Status.Closed:
      return closedError(action);
    case Status.ShutDown:
      return new ShutDownError(`Cannot ${action}: ${reason ?? 'it was shut down'}`);
    case Status.Poisoned:
      return new CorruptSegmentError(
        `Cannot ${action}: ${reason ?? 'its shared memory failed a check and is not used any more'}`,
      );
    case Status.OverRelease:
      return new OverReleaseError(`Cannot ${action}: ${reason ?? 'it was released more often than acquired'}`);
    case Status.NotOwner:
      return new OwnerError(`Cannot ${action}: ${reason ?? 'this process does not own it'}`);
    case Status.Broken:
      return new BrokenBarrierError(`Cannot ${action}: ${reason ?? 'the barrier is broken'}`);
    case Status.Deadlock:
      return new DeadlockError(
        `Cannot ${action}: ${reason ?? 'this thread holds it itself, so the wait would never end'}`,
      );
    case Status.NoSpace: {
      const [requested = 0, available = 0] = native.out;
      return new NoSpaceError(
        `Cannot ${action}: ${reason ?? `shared memory is full, ${requested} bytes asked, ${available} bytes free`}`,
        { requested, available },
      );
    }
    case Status.System: {
      const [errno = 0] = native.out;
      return new SystemError(`Cannot ${action}: ${reason ?? `the system refused: ${getSystemErrorName(-errno)}`}`, {
        errno,
      });
    }
    default:
      return new MultiprocError(`Cannot ${action}: unexpected status ${status}`);
  }
}

/** The error for any use of what was closed in this process. */
export function closedError(action: string): ClosedError {
  return new ClosedError(`Cannot ${action}: it is closed`);
}
