/**
 * What comes of jobs in Redis: as the engine keeps it, and as the caller has it.
 */
import { NotFoundError, TerminatedError, WorkerDiedError } from '../../errors.js';
import { type Failure, type Mixed, Outcome } from '../../processes/pool/outcome-message.js';
import { withoutUnsendable } from '../../processes/pool/reporter.js';
import { failedOutcome, type JobOutcome } from '../../processes/pool/run-job.js';
import { errorOfTexts, remoteError } from '../../processes/remote-error.js';
import { decodeValue, encodeValue } from './redis-object.js';

/** An outcome as the engine keeps it: `done`, `failed` or `mixed` of a worker; `died`, `terminated` or `gone` of the engine. */
export interface KeptOutcome {
  readonly kind: string;
  readonly bytes: Buffer;
}

const KINDS: readonly string[] = ['done', 'failed', 'mixed'];

/** For the engine. A value that cannot travel becomes the error of its item. */
export function encodeOutcome(outcome: JobOutcome, isList: boolean): KeptOutcome {
  try {
    return keep(outcome);
  } catch (error) {
    try {
      return keep(withoutUnsendable(outcome, error, isList));
    } catch (again) {
      return keep(failedOutcome(again));
    }
  }
}

function keep({ kind, payload }: JobOutcome): KeptOutcome {
  return { kind: KINDS[kind] ?? 'failed', bytes: encodeValue(payload) };
}

/** The value of a job. @throws what the task has thrown; WorkerDiedError, TerminatedError, NotFoundError; whatever decoding throws. */
export function valueOfOutcome({ kind, bytes }: KeptOutcome): unknown {
  if (kind === 'died')
    throw new WorkerDiedError(
      `Cannot finish task: ${bytes.toString()} workers, one after the other, died or were out of reach while they worked on it`,
    );
  if (kind === 'terminated') throw new TerminatedError('Cannot finish task: the pool was terminated');
  if (kind === 'gone') throw new NotFoundError('Cannot finish task: the engine has kept its outcome no longer');
  const payload = decodeValue(bytes);
  const known = KINDS.indexOf(kind);
  if (known === Outcome.done) return payload;
  if (known === Outcome.failed) throw errorOf(payload as Failure);
  const [first] = [...(payload as Mixed).failures].sort(([a], [b]) => a - b);
  throw first === undefined
    ? new Error('Cannot finish task: its worker reported a failure without one')
    : errorOf(first[1]);
}

function errorOf(failure: Failure): Error {
  return remoteError(failure.error, errorOfTexts(failure));
}
