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
import { Lane } from './lane.js';
import { type Failure, type Mixed, Outcome, outcomeDecoder, type OutcomeMessage } from './outcome-message.js';
import type { Call, ItemFailure, PoolJob } from './pool-job.js';
import { PoolCounters } from './pool-stats.js';

/** Outcomes that are received in a row before other things get their turn. */
const BATCH = 1024;
/** Milliseconds for which a worker that has finished surely polls its queues. */
const HOT = 0.25;
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
  readonly #workersStay: boolean;
  #receiving = false;
  /** Is received until the end, also what nobody waits for? */
  #toEnd = false;
  #closed = false;

  /**
   * @param lanes the queues of jobs; the first one is for all workers, the others for one seat each.
   * @param workersStay do they work on until they are ended? Who may leave after any job is given none of its own.
   */
  constructor(lanes: readonly Queue[], outcomes: Queue, workers: Workers, workersStay: boolean) {
    this.#workersStay = workersStay;
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
    const slot = lane.size === 0 && !lane.blocked ? this.slots.take() : undefined;
    if (payload instanceof Payload) job.payload = payload;
    else if (slot === undefined || job.retries > 0) job.payload = this.#encode(payload, slot);
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
    for (const lane of this.#lanes) lane.clear();
    for (const job of jobs) {
      // One call's end may be that of others.
      if (job.over) continue;
      this.#settle(job);
      job.call.fail(job, error());
    }
  }

  /** A worker has died: what it was working on, and has not reported, fails, or is done again. */
  workerDied(worker: number, error: () => Error): void {
    if (this.#closed) return;
    this.#receiveUpTo(Infinity);
    this.#outcomes.reap();
    for (const { queue } of this.#lanes) queue.reap();
    for (const [slot, job] of this.#sent.entries()) {
      if (job === undefined || this.slots.worker(slot) !== worker) continue;
      this.#sent[slot] = undefined;
      this.slots.release(slot);
      job.slot = -1;
      if (job.over) continue;
      if (job.retries > 0) {
        job.retries -= 1;
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
    try {
      if (!lane.queue.tryPut(frame)) this.#sendLater(lane, job, frame);
    } catch (error) {
      this.slots.release(slot);
      throw error;
    }
    job.slot = slot;
    this.#sent[slot] = job;
    if (job.retries === 0) this.#dropPayload(job);
  }

  /** There is no room: those behind it wait in this process. */
  #sendLater(lane: Lane, job: PoolJob, frame: Parameters<FrameQueue['put']>[0]): void {
    lane.blocked = true;
    const goOn = (): void => {
      lane.blocked = false;
      this.#pump();
    };
    lane.queue.put(frame).then(goOn, (error: unknown) => {
      this.#failSending(job, error);
      goOn();
    });
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
      for (let job = lane.first(); job !== undefined && !lane.blocked; job = lane.first()) {
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
    const job = this.#sent[slot];
    if (job === undefined || this.slots.generation(slot) !== generation) return;
    this.#sent[slot] = undefined;
    this.slots.release(slot);
    this.counters.record(message, job);
    this.#hotLane = 1 + message.seat;
    if (this.#workersStay) this.#hotUntil = message.begun + message.took + HOT;
    if (job.over) return;
    this.#settle(job);
    this.#deliver(job, message);
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
    const left = begun === 0 ? timeout : begun + timeout - now();
    clearTimeout(job.timer);
    if (left > 0) {
      this.#watchTime(job, left);
      return;
    }
    // Its outcome may be there already.
    this.drain();
    if (job.over) return;
    this.cancel(job, true);
    this.counters.failed += 1;
    job.call.fail(job, new TimeoutError(`Cannot finish task: it took longer than ${timeout} ms`));
  }
}

function errorOf(failure: Failure): Error {
  return remoteError(failure.error, errorOfTexts(failure));
}
