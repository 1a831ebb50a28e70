/**
 * FrameRing: one ring whose messages are frames, a head that its users write themselves and a value.
 */
import { GetMode, native, Status } from '../internal/native.js';
import type { Attachment, SharedObject } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { isAwaited } from '../internal/transit.js';
import { doChores, SLICE } from '../internal/wait.js';
import { forEver, type WaitOptions } from '../internal/wait-options.js';
import { type Claimed, getMessage, type MessageDecoder, takeReadable, takeValue, type Unreadable } from './incoming.js';
import { type Frame, frames } from './outgoing.js';
import type { QueueCore } from './queue-core.js';
import { Sender } from './sender.js';

/**
 * Puts frames, and gets what the decoder makes of them. Waiting and getting are apart: whoever gives up a wait has taken nothing.
 *
 * @typeParam T what the decoder makes.
 */
export class FrameRing<T = never> {
  readonly #owner: SharedObject;
  readonly #at: Attachment<QueueCore>;
  readonly #sender: Sender;
  readonly #decoder: MessageDecoder<T> | undefined;
  #over = false;

  /**
   * @param owner whose waits they are.
   * @param decoder needed by those who get.
   */
  constructor(owner: SharedObject, at: Attachment<QueueCore>, decoder?: MessageDecoder<T>) {
    this.#owner = owner;
    this.#at = at;
    this.#sender = new Sender(owner, at, undefined, frames);
    this.#decoder = decoder;
  }

  /** Has it been shut down, and everything been got? Known after a try to get. */
  get over(): boolean {
    return this.#over;
  }

  /** False when there is no room. @throws NotTransferableError; ShutDownError. */
  tryPut(frame: Frame): boolean {
    return this.#sender.tryPut(frame);
  }

  /** Waits for room; the payload is copied now. */
  put(frame: Frame): Promise<void> {
    return this.#sender.put(frame, undefined);
  }

  /**
   * Puts the frame now, or when there is room.
   *
   * @param settled as {@link Sender.putWhenRoom}.
   * @returns `undefined` when it was put; else what calls it off.
   */
  putWhenRoom(frame: Frame, settled: (error?: unknown) => void): (() => void) | undefined {
    return this.#sender.putWhenRoom(frame, settled);
  }

  /** Where the last message is that this thread has put. */
  get lastPosition(): number {
    return native.ringLastPosition(this.#at.ref);
  }

  /** As {@link put}, blocking the thread. @throws Full when the time is over. */
  putSync(frame: Frame, options: WaitOptions): void {
    this.#sender.putSync(frame, options);
  }

  /** Lets go on those in this thread who wait for room. */
  servePuts(): void {
    this.#at.core.space.serve();
  }

  /** The next one, if there is one. */
  tryGet(): T | undefined {
    const { ref } = this.#at;
    const length = getMessage(ref, GetMode.copy, 0);
    if (length < 0) {
      this.#checkEmpty(length);
      return undefined;
    }
    const value = takeValue(ref, length, this.#decoder as MessageDecoder<T>);
    this.#at.core.space.nudge();
    return value;
  }

  /** The next one, to be released, whether it can be read or not: it comes back if this thread dies before. */
  tryTake(): Claimed<T> | Unreadable | undefined {
    const { ref } = this.#at;
    const length = getMessage(ref, GetMode.take, 0);
    if (length < 0) {
      this.#checkEmpty(length);
      return undefined;
    }
    return takeReadable(ref, length, this.#decoder as MessageDecoder<T>);
  }

  /** Consumes what was taken. */
  release(position: number): void {
    native.ringRelease(this.#at.ref, position);
    this.#at.core.space.nudge();
  }

  /** Waits until there may be something to get, or it is over. */
  ready(): Promise<void> {
    return this.#at.core.main.wait(this.#owner, forEver, this.#poll, this.#polled);
  }

  /** Ends the waits of this thread, each with an error that {@link wasInterrupted} knows. */
  interrupt(): void {
    this.#at.core.main.abandon(this.#owner, interrupted);
  }

  /** As {@link ready}, blocking the thread for at most so many milliseconds, and not longer than for a slice. */
  readySync(waitMs: number): void {
    this.#poll(Math.min(Math.max(waitMs, 0), SLICE));
    doChores();
  }

  /** Are there objects in frames that this thread has put and nobody has got yet? */
  get carries(): boolean {
    return isAwaited(this.#at.core);
  }

  /** Looks for dead processes now. */
  reap(): void {
    native.reap(this.#at.ref);
  }

  readonly #poll = (waitMs: number): number => native.ringPoll(this.#at.ref, waitMs);

  readonly #polled = (status: number): void => {
    if (status < 0 && status !== Status.ShutDown) throw statusError(status, 'wait for Queue');
  };

  /** @throws unless there is nothing for a good reason. */
  #checkEmpty(status: number): void {
    if (status === Status.ShutDown) this.#over = true;
    else if (status !== Status.Again) throw statusError(status, 'get from Queue');
  }
}

const interruption = new Error('The wait was given up');

function interrupted(): Error {
  return interruption;
}

/** Is it the error of a wait that was given up? */
export function wasInterrupted(error: unknown): boolean {
  return error === interruption;
}
