/**
 * Claiming room and messages in a queue of bytes.
 */
import { Empty, Full } from '../errors.js';
import { GetMode, native, Status } from '../internal/native.js';
import { type Attachment, checkInteger, type SharedObject } from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { parseWait, type WaitOptions } from '../internal/wait-options.js';
import type { QueueCore } from './queue-core.js';
import { Message, Slot, tooLarge } from './raw-messages.js';

const longestReservation = 1024 * 1024 * 1024;

export class RawAccess {
  readonly #owner: SharedObject;
  readonly #at: Attachment<QueueCore>;

  constructor(owner: SharedObject, attachment: Attachment<QueueCore>) {
    this.#owner = owner;
    this.#at = attachment;
  }

  async reserve(bytes: number, options: WaitOptions | null | undefined): Promise<Slot> {
    const wait = parseWait(options);
    const attempt = this.#attemptReserve(bytes);
    return this.#at.core.space.wait(this.#owner, wait, attempt, (status) =>
      this.#slot(status, bytes, wait.timeout > 0),
    );
  }

  reserveSync(bytes: number, options: WaitOptions | null | undefined): Slot {
    const { timeout } = parseWait(options);
    const status = this.#at.core.space.waitSync(this.#attemptReserve(bytes), timeout, true);
    return this.#slot(status, bytes, timeout > 0);
  }

  async receive(options: WaitOptions | null | undefined): Promise<Message> {
    const wait = parseWait(options);
    return this.#at.core.main.wait(this.#owner, wait, this.#attemptReceive, (status) => this.#message(status));
  }

  receiveSync(options: WaitOptions | null | undefined): Message {
    const { timeout } = parseWait(options);
    return this.#message(this.#at.core.main.waitSync(this.#attemptReceive, timeout, true));
  }

  #attemptReserve(bytes: number): (waitMs: number) => number {
    checkInteger(bytes, 0, longestReservation, 'bytes', 'reserve room in Queue');
    return (waitMs) => native.ringReserve(this.#at.ref, bytes, waitMs);
  }

  readonly #attemptReceive = (waitMs: number): number => native.ringGet(this.#at.ref, 0, GetMode.view, waitMs);

  #slot(status: number, bytes: number, waited: boolean): Slot {
    const { core } = this.#at;
    if (status >= 0) return new Slot(core, bytes);
    if (status === Status.TooLarge) throw tooLarge(bytes, core);
    if (status !== Status.Again) throw statusError(status, 'reserve room in Queue');
    const { text, facts } = core.whoIsBusy(waited);
    throw new Full(`Cannot reserve room in Queue: it is full${text}`, facts);
  }

  #message(status: number): Message {
    if (status >= 0) return new Message(this.#at.core, status);
    if (status === Status.Again) throw new Empty('Cannot receive from Queue: it is empty');
    throw statusError(status, 'receive from Queue');
  }
}
