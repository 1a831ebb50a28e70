/**
 * Dispatcher: the pool's side of its queues. Sends jobs, receives outcomes, and knows which jobs are under way.
 */
import { FrameQueue } from '../../channels/frame-queue.js';
import { wasInterrupted } from '../../channels/frame-ring.js';
import { Payload } from '../../channels/outgoing.js';
import type { Queue } from '../../channels/queue.js';
import { TimeoutError } from '../../errors.js';
import { errorOfTexts, remoteError } from '../remote-error.js';
import { now } from '../../internal/clock.js';
import { JobSlots } from './job-table.js';
import { Lane, laneOfSeat } from './lane.js';
import {
  type Failure,
  type Mixed,
  Outcome,
  outcomeDecoder,
  type OutcomeMessage,
  type UnreadableJob,
} from './outcome-message.js';
import type { Call, ItemFailure, PoolJob } from './pool-job.js';
import { PoolCounters } from './pool-stats.js';

/** Outcomes that are received in a row before other things get their turn. */
const BATCH = 1024;
/** Milliseconds for which a worker that has finished surely polls its queues. */
const HOT = 0.25;
/** Milliseconds that a job with a time limit may take at least before its first item: a cold worker imports what others have. */
const PREPARATION = 10_000;
/** Longest delay that Node's timers take; longer ones fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

const noFailures: readonly ItemFailure[] = [];

/** What it needs of the workers. */
export interface Workers {
  /** A worker is ready for work. */
  ready(worker: number): void;
  /** A worker is to be ended, with whatever it is working on. */
  end(worker: number): void;
  /** Nothing is under way any more. */
  idle(): void;
}

/** How they work. */
export interface WorkerHabits {
  /** Do they work on until they are ended? Who may leave after any job is given none of its own. */
  readonly stay: boolean;
  /** Does one work on several jobs at a time, which end together when it is ended for one of them? */
  readonly share: boolean;
}

/** Sends and receives for one pool. */
export class Dispatcher {
  readonly slots = new JobSlots();
  readonly counters = new PoolCounters();
  readonly #lanes: readonly Lane[];
  readonly #outcomes: FrameQueue<OutcomeMessage>;
  readonly #workers: Workers;
  /** Jobs that were sent, by their slot; one that is over stays until no worker works on it. */
  readonly #sent: (PoolJob | undefined)[] = [];
  /** How many jobs somebody waits for. */
  #pending = 0;
  /** The lane of the worker that finished last, and how long it looks for more by itself. */
  #hotLane = 0;
  #hotUntil = -Infinity;
  /** Jobs that waited for room and cannot be put at all, of which nobody has been told yet. */
  readonly #unsendable: { readonly job: PoolJob; readonly error: unknown }[] = [];
  readonly #habits: WorkerHabits;
  #receiving = false;
  /** Is received until the end, also what nobody waits for? */
  #toEnd = false;
  #closed = false;

  /**
   * @param lanes the queues of jobs; the first one is for all workers, the others for one seat each.
   */
  constructor(lanes: readonly Queue[], outcomes: Queue, workers: Workers, habits: WorkerHabits) {
    this.#habits = habits;
    this.#lanes = lanes.map((queue) => new Lane(new FrameQueue(queue)));
    this.#outcomes = new FrameQueue(outcomes, outcomeDecoder);
    this.#workers = workers;
  }

  /** How many jobs somebody waits for. */
  get pending(): number {
    return this.#pending;
  }

  /** How many of them no worker has begun, and how many some worker has. */
  count(): { queued: number; running: number } {
    const running = this.#sent.filter((job, slot) => job?.over === false && this.slots.worker(slot) !== 0).length;
    return { queued: this.#pending - running, running };
  }

  /**
   * Sends a job, now or when there is room. Its arguments are copied now, unless they have been.
   *
   * @throws NotTransferableError; nothing was sent then.
   */
  submit(job: PoolJob, payload: unknown): void {
    // Whoever has just finished is still looking for more, and idle, if nothing is under way: nobody else need be woken.
    if (job.lane === 0 && job.submitted < this.#hotUntil && this.slots.areFree) job.lane = this.#hotLane;
    const lane = this.#laneOf(job);
    const slot = lane.size === 0 && lane.blocker === undefined ? this.slots.take() : undefined;
    if (payload instanceof Payload) job.payload = payload;
    else if (slot === undefined || this.#mayComeBack(job)) job.payload = this.#encode(payload, slot);
    if (slot === undefined) {
      lane.push(job);
    } else {
      try {
        this.#send(lane, job, slot, job.payload ?? payload);
      } catch (error) {
        this.#dropPayload(job);
        throw error;
      }
    }
    this.#pending += 1;
    if (job.call.timeout !== Infinity) this.#watchTime(job, job.call.timeout);
    this.#receive();
  }

  /** Nobody waits for the job any more. It is not begun, or its worker is ended if `endRunning`. */
  cancel(job: PoolJob, endRunning: boolean): void {
    if (job.over) return;
    this.#settle(job);
    if (job.slot < 0) return;
    if (this.slots.withdraw(job.slot)) {
      this.#sent[job.slot] = undefined;
      // A wait for room would keep the program from ending.
      if (this.#laneOf(job).blocker === job) this.#laneOf(job).callOff();
      this.#pump();
    } else if (endRunning && this.slots.condemn(job.slot)) {
      this.#workers.end(this.slots.worker(job.slot));
    }
    this.#checkIdle();
  }

  /** Nobody waits for any job of a call any more. @returns those that were not finished. */
  cancelAll(call: Call, endRunning: boolean): PoolJob[] {
    const jobs = this.#unfinished().filter((job) => job.call === call);
    for (const job of jobs) this.cancel(job, endRunning);
    return jobs;
  }

  /** Fails everything that is under way. */
  failAll(error: () => Error): void {
    const jobs = this.#unfinished();
    for (const lane of this.#lanes) this.#clear(lane);
    for (const job of jobs) {
      // One call's end may be that of others.
      if (job.over) continue;
      this.#settle(job);
      job.call.fail(job, error());
    }
  }

  /**
   * A worker has died: what it was working on, and has not reported, fails, or is done again.
   *
   * @param wasEnded from here, for a job that is over: others that it had not really begun are none the worse for it.
   * @returns whether it was working on anything.
   */
  workerDied(worker: number, error: () => Error, wasEnded: boolean): boolean {
    if (this.#closed) return false;
    this.#receiveUpTo(Infinity);
    this.#outcomes.reap();
    for (const { queue } of this.#lanes) queue.reap();
    let wasWorking = false;
    for (const [slot, job] of this.#sent.entries()) {
      if (job === undefined || this.slots.worker(slot) !== worker) continue;
      wasWorking = true;
      const begun = !wasEnded || this.slots.hasBegun(slot);
      this.#sent[slot] = undefined;
      this.slots.release(slot);
      job.slot = -1;
      if (job.over) continue;
      if (!begun || job.retries > 0) {
        if (begun) job.retries -= 1;
        job.lane = job.call.lane;
        this.#laneOf(job).push(job);
      } else {
        this.counters.failed += 1;
        this.#settle(job);
        job.call.fail(job, error());
      }
    }
    this.#pump();
    this.#checkIdle();
    return wasWorking;
  }

  /** Receives what is there. */
  drain(): void {
    if (this.#closed) return;
    this.#receiveUpTo(BATCH);
    this.#pump();
    this.#checkIdle();
  }

  #receiveUpTo(most: number): void {
    try {
      // Whoever is told of an outcome may end the pool.
      for (let count = 0; count < most && !this.#closed; count += 1) {
        const message = this.#outcomes.tryGet();
        if (message === undefined) break;
        this.#take(message);
      }
    } catch (error) {
      // There is one that cannot be received, for want of descriptors or memory: which one is not known.
      this.failAll(() => error as Error);
    }
  }

  /** From now on receives also what nobody waits for: a worker that cannot get rid of it would not end. */
  receiveToEnd(): void {
    this.#toEnd = true;
    this.#receive();
  }

  /** As the event loop would, blocking the thread for at most so long. */
  driveSync(waitMs: number): void {
    for (const { queue } of this.#lanes) queue.servePuts();
    this.#goOn();
    this.#outcomes.readySync(waitMs);
    this.drain();
    // Timers do not fire meanwhile.
    for (const job of this.#unfinished()) if (job.timer !== undefined) this.#checkTime(job);
  }

  /** Nothing will be received any more. */
  close(): void {
    this.#closed = true;
    this.#outcomes.interrupt();
    this.slots.close();
  }

  /** Jobs that somebody waits for, in the order of their sending as far as that is known. */
  #unfinished(): PoolJob[] {
    const sent = this.#sent.filter((job) => job?.over === false) as PoolJob[];
    return [...sent, ...this.#lanes.flatMap((lane) => lane.waiting().filter(({ over }) => !over))];
  }

  /** May it have to be sent again? */
  #mayComeBack(job: PoolJob): boolean {
    return job.retries > 0 || this.#habits.share;
  }

  #laneOf(job: PoolJob): Lane {
    return this.#lanes[job.lane] as Lane;
  }

  #encode(payload: unknown, slot: number | undefined): Payload {
    try {
      return new Payload(payload);
    } catch (error) {
      if (slot !== undefined) this.slots.release(slot);
      throw error;
    }
  }

  #send(lane: Lane, job: PoolJob, slot: number, payload: unknown): void {
    const frame = job.call.head.frame(slot, this.slots.generation(slot), job.mode, payload);
    let callOff: (() => void) | undefined;
    try {
      callOff = lane.queue.putWhenRoom(frame, (error) => {
        this.#roomCame(lane, job, error);
      });
    } catch (error) {
      this.slots.release(slot);
      throw error;
    }
    job.slot = slot;
    this.#sent[slot] = job;
    if (callOff === undefined) job.position = lane.queue.lastPosition;
    else lane.block(job, callOff);
    if (!this.#mayComeBack(job)) this.#dropPayload(job);
  }

  /** The job that waited for room in the lane is in its queue, unless there is an error. */
  #roomCame(lane: Lane, job: PoolJob, error: unknown): void {
    lane.unblock();
    if (error === undefined) job.position = lane.queue.lastPosition;
    else this.#unsendable.push({ job, error });
    // Not now: whoever is told may block the thread, in the middle of serving those who wait for room.
    queueMicrotask(() => {
      this.#goOn();
    });
  }

  /** After there was room. */
  #goOn(): void {
    if (this.#closed) return;
    for (const { job, error } of this.#unsendable.splice(0)) this.#failSending(job, error);
    this.#pump();
    this.#checkIdle();
  }

  /** Nothing of the lane that is not in its queue will be sent. */
  #clear(lane: Lane): void {
    lane.clear();
    const { blocker } = lane;
    if (blocker === undefined) return;
    lane.callOff();
    this.#sent[blocker.slot] = undefined;
    this.slots.release(blocker.slot);
  }

  #failSending(job: PoolJob, error: unknown): void {
    if (this.#sent[job.slot] === job) {
      this.#sent[job.slot] = undefined;
      this.slots.release(job.slot);
    }
    if (job.over) return;
    this.counters.failed += 1;
    this.#settle(job);
    job.call.fail(job, error);
  }

  /** Sends those that wait, as far as there is room. */
  #pump(): void {
    for (const lane of this.#lanes) {
      for (let job = lane.first(); job !== undefined && lane.blocker === undefined; job = lane.first()) {
        const slot = job.over ? undefined : this.slots.take();
        if (!job.over && slot === undefined) break;
        // Before it is sent: if that fails, whoever is told may call this again.
        lane.shift();
        if (slot !== undefined) this.#sendWaiting(lane, job, slot);
      }
    }
  }

  #sendWaiting(lane: Lane, job: PoolJob, slot: number): void {
    try {
      this.#send(lane, job, slot, job.payload);
    } catch (error) {
      this.#failSending(job, error);
    }
  }

  #receive(): void {
    if (this.#receiving) return;
    this.#receiving = true;
    void this.#receiveWhilePending();
  }

  async #receiveWhilePending(): Promise<void> {
    while (this.#isReceiving) {
      try {
        await this.#outcomes.ready();
        this.drain();
      } catch (error) {
        // Unless nothing was under way at that moment, there is no way to learn what becomes of the jobs.
        if (!wasInterrupted(error)) this.failAll(() => error as Error);
      }
    }
    this.#receiving = false;
  }

  get #isReceiving(): boolean {
    return !this.#closed && (this.#pending > 0 || this.#toEnd);
  }

  #take(message: OutcomeMessage): void {
    const { slot, generation, kind, worker } = message;
    if (kind === Outcome.ready) {
      this.#workers.ready(worker);
      return;
    }
    if (kind === Outcome.unreadable) {
      this.#failUnreadable(message.payload as UnreadableJob);
      return;
    }
    const job = this.#sent[slot];
    if (job === undefined || this.slots.generation(slot) !== generation) return;
    this.#sent[slot] = undefined;
    this.slots.release(slot);
    this.counters.record(message, job);
    this.#hotLane = laneOfSeat(message.seat);
    if (this.#habits.stay) this.#hotUntil = message.begun + message.took + HOT;
    if (job.over) return;
    this.#settle(job);
    this.#deliver(job, message);
  }

  /** No worker has begun it, or else somebody could read it after all. */
  #failUnreadable({ lane, position, failure }: UnreadableJob): void {
    const job = this.#sent.find((sent) => sent?.lane === lane && sent.position === position);
    if (job === undefined || !this.slots.withdraw(job.slot)) return;
    this.#sent[job.slot] = undefined;
    if (job.over) return;
    this.counters.failed += 1;
    this.#settle(job);
    job.call.fail(job, errorOf(failure));
  }

  #deliver(job: PoolJob, { kind, payload, damage }: OutcomeMessage): void {
    if (damage !== undefined) {
      job.call.fail(job, damage.error);
    } else if (kind === Outcome.done) {
      job.call.finish(job, payload, noFailures);
    } else if (kind === Outcome.mixed) {
      const { values, failures } = payload as Mixed;
      job.call.finish(
        job,
        values,
        failures.map(([index, failure]) => [index, errorOf(failure)] as const),
      );
    } else {
      job.call.fail(job, errorOf(payload as Failure));
    }
  }

  #settle(job: PoolJob): void {
    job.over = true;
    clearTimeout(job.timer);
    this.#dropPayload(job);
    this.#pending -= 1;
  }

  #dropPayload(job: PoolJob): void {
    job.payload?.drop();
    job.payload = undefined;
  }

  #checkIdle(): void {
    if (this.#pending > 0) return;
    // A wait for what will not come would keep the program from ending.
    if (!this.#toEnd) this.#outcomes.interrupt();
    this.#workers.idle();
  }

  /** When an item may have taken too long, looks when it was begun. */
  #watchTime(job: PoolJob, after: number): void {
    job.timer = setTimeout(
      () => {
        this.#checkTime(job);
      },
      Math.min(Math.ceil(after), LONGEST_TIMER),
    );
  }

  #checkTime(job: PoolJob): void {
    const { timeout } = job.call;
    const begun = job.slot < 0 ? 0 : this.slots.begun(job.slot);
    const preparing = begun > 0 && !this.slots.hasBegun(job.slot);
    const limit = preparing ? Math.max(timeout, PREPARATION) : timeout;
    const left = begun === 0 ? timeout : begun + limit - now();
    clearTimeout(job.timer);
    if (left > 0) {
      // It may begin at any moment.
      this.#watchTime(job, Math.min(left, timeout));
      return;
    }
    // Its outcome may be there already.
    this.drain();
    if (job.over) return;
    this.cancel(job, true);
    this.counters.failed += 1;
    const what = preparing ? 'importing its module' : 'it';
    job.call.fail(job, new TimeoutError(`Cannot finish task: ${what} took longer than ${limit} ms`));
  }
}

function errorOf(failure: Failure): Error {
  return remoteError(failure.error, errorOfTexts(failure));
}
