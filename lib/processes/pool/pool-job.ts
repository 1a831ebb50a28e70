/**
 * What a pool has to do: calls of its methods, and the jobs that they are made of.
 */
import type { Payload } from '../../channels/outgoing.js';
import type { CallHead, Mode } from './job-message.js';

/** One call of a method. Its methods are told what becomes of its jobs, each once. */
export interface Call {
  readonly head: CallHead;
  /** The lane that its jobs go through; 0: whichever worker is free. */
  readonly lane: number;
  /** Milliseconds that each item may take; `Infinity`: any time. */
  readonly timeout: number;
  /** How often a job is begun again after the death of the worker that worked on it. */
  readonly retries: number;
  /**
   * The job is done.
   *
   * @param payload the value; or the values of the items, as the job's mode says.
   * @param failures items of which the value is an error.
   */
  finish(job: PoolJob, payload: unknown, failures: readonly ItemFailure[]): void;
  /** The job failed as a whole. */
  fail(job: PoolJob, error: unknown): void;
}

/** An item that failed, by its place in the job. */
export type ItemFailure = readonly [number, Error];

/** What goes to one worker at once. */
export class PoolJob {
  readonly call: Call;
  readonly mode: Mode;
  /** Place of its first item in the call. */
  readonly first: number;
  readonly count: number;
  retries: number;
  /** Kept only as long as it may have to be sent. */
  payload: Payload | undefined;
  /** The lane that it goes through this time. */
  lane: number;
  /** In the job table; -1 while it waits in this process. */
  slot = -1;
  /** Of its message in the lane's queue. */
  position = -1;
  /** Nobody waits for its outcome any more: it has one, or was given up. */
  over = false;
  readonly submitted: number;
  timer: NodeJS.Timeout | undefined;

  constructor(call: Call, mode: Mode, first: number, count: number, submitted: number) {
    this.call = call;
    this.mode = mode;
    this.first = first;
    this.count = count;
    this.retries = call.retries;
    this.lane = call.lane;
    this.submitted = submitted;
  }
}
