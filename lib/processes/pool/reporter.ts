/**
 * Reporter: how a worker tells what came of its jobs.
 */
import { FrameQueue } from '../../channels/frame-queue.js';
import { Payload } from '../../channels/outgoing.js';
import type { Queue } from '../../channels/queue.js';
import { type Failure, type Mixed, Outcome, outcomeFrame, type UnreadableJob } from './outcome-message.js';
import { failedOutcome, failureOf, type JobOutcome } from './run-job.js';

/** Milliseconds between looks. */
const LOOK = 10;

/** Which job, and when it was worked on. */
export interface JobRun {
  readonly slot: number;
  readonly generation: number;
  readonly begun: number;
  readonly took: number;
}

/** Sends outcomes, whatever is in them. */
export class Reporter {
  readonly #outcomes: FrameQueue;
  readonly #worker: number;
  /** The index of the worker's seat, once it has one. */
  seat = 0;

  constructor(outcomes: Queue, worker: number) {
    this.#outcomes = new FrameQueue(outcomes);
    this.#worker = worker;
  }

  /** @param isList does the outcome hold values of several items? Gives a promise only if it must wait for room. */
  report(run: JobRun, outcome: JobOutcome, isList: boolean): Promise<void> | undefined {
    try {
      return this.#send(run, outcome);
    } catch (error) {
      return this.#reportFailure(run, withoutUnsendable(outcome, error, isList));
    }
  }

  /** What can be sent, but for which there is no memory, becomes that error. */
  #reportFailure(run: JobRun, outcome: JobOutcome): Promise<void> | undefined {
    try {
      return this.#send(run, outcome);
    } catch (error) {
      return this.#send(run, failedOutcome(error));
    }
  }

  ready(): Promise<void> {
    return this.#outcomes.put(outcomeFrame(0, 0, this.#worker, 0, Outcome.ready, 0, 0, process.pid));
  }

  /** That a message cannot be read; resolves when the pool will learn of it. */
  unreadable(lane: number, position: number, error: unknown): Promise<void> {
    const job: UnreadableJob = { lane, position, failure: failureOf(error) };
    return this.#outcomes.put(outcomeFrame(0, 0, this.#worker, this.seat, Outcome.unreadable, 0, 0, job));
  }

  /** Waits until the objects in what it has sent, which may end with this process, are in the pool's hands. */
  async delivered(): Promise<void> {
    while (this.#outcomes.carries) await new Promise((resolve) => setTimeout(resolve, LOOK));
  }

  #send({ slot, generation, begun, took }: JobRun, { kind, payload }: JobOutcome): Promise<void> | undefined {
    const frame = outcomeFrame(slot, generation, this.#worker, this.seat, kind, begun, took, payload);
    if (this.#outcomes.tryPut(frame)) return undefined;
    return this.#outcomes.put(frame).catch((error: unknown) => {
      const { kind: failed, payload: failure } = failedOutcome(error);
      return this.#outcomes.put(outcomeFrame(slot, generation, this.#worker, this.seat, failed, begun, took, failure));
    });
  }
}

/** What cannot be sent becomes the error of its item; an error that cannot be sent becomes its text. */
export function withoutUnsendable({ kind, payload }: JobOutcome, reason: unknown, isList: boolean): JobOutcome {
  if (kind === Outcome.failed) return { kind, payload: sendableFailure(payload as Failure) };
  if (!isList) return failedOutcome(reason);
  const known =
    kind === Outcome.mixed ? (payload as Mixed) : { values: Array.from(payload as ArrayLike<unknown>), failures: [] };
  const failures = known.failures.map(([index, failure]) => [index, sendableFailure(failure)] as const);
  const values = known.values.map((value, index) => {
    const error = whyUnsendable(value);
    if (error === undefined) return value;
    failures.push([index, failureOf(error)]);
    return undefined;
  });
  return { kind: Outcome.mixed, payload: { values, failures } satisfies Mixed };
}

function sendableFailure(failure: Failure): Failure {
  return whyUnsendable(failure) === undefined ? failure : { ...failure, error: undefined };
}

function whyUnsendable(value: unknown): unknown {
  try {
    new Payload(value).drop();
    return undefined;
  } catch (error) {
    return error ?? new Error('It cannot be sent');
  }
}
