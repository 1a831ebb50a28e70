/**
 * Zero-copy access to a queue of bytes: write a message where it will be read, read it where it was written.
 */
import { argumentRangeError } from '../errors.js';
import { MessageFlag, native } from '../internal/native.js';
import { checkInteger } from '../internal/shared-object.js';
import { Claim } from './claim.js';
import { openSpill } from './incoming.js';
import type { QueueCore } from './queue-core.js';

/**
 * Room in a queue for one message, reserved by `reserve()`. Write into `bytes`, then `commit()`.
 *
 * A message reserved later is received earlier when it is committed and this one is not yet. Room that was reserved and neither
 * committed nor aborted holds back everything behind it; when the process dies it is free again, and nobody has seen anything.
 */
export class Slot implements Disposable {
  readonly #claim: Claim;
  readonly #bytes: Buffer;

  /** @internal */
  constructor(core: QueueCore, length: number) {
    const [, position = 0, offset = 0] = native.out;
    this.#bytes = Buffer.from(core.ringMemory(), offset, length);
    this.#claim = new Claim(this, core, position, abort);
  }

  /**
   * The room itself: what is written here is the message.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED) after commit or abort. A reference kept from before must not be used any more:
   *   the memory belongs to other messages then.
   */
  get bytes(): Buffer {
    this.#claim.assertOpen('write a message');
    return this.#bytes;
  }

  /**
   * Puts the message: from now on others can get it.
   *
   * @param length how many of the bytes are the message; default all.
   * @throws RangeError (ERR_MULTIPROC_ARGUMENT) for more than was reserved; ClosedError (ERR_MULTIPROC_CLOSED) after commit or
   *   abort; ShutDownError when the queue was shut down immediately.
   */
  commit(length: number = this.#bytes.length): void {
    checkInteger(length, 0, this.#bytes.length, 'length', 'commit a message');
    this.#claim.end((ref, position) => native.ringCommit(ref, position, length, 0), 'commit a message');
  }

  /** Gives the room back. Nobody has seen anything. @throws ClosedError (ERR_MULTIPROC_CLOSED) after commit or abort. */
  abort(): void {
    this.#claim.end(abort, 'abort a message');
  }

  /** Aborts unless it is committed. */
  [Symbol.dispose](): void {
    if (this.#claim.open) this.abort();
  }
}

function abort(ref: number, position: number): number {
  return native.ringAbort(ref, position);
}

function giveBack(ref: number, position: number): number {
  return native.ringRequeue(ref, position);
}

function consume(ref: number, position: number): number {
  return native.ringRelease(ref, position);
}

/**
 * A received message in the queue's own memory. Read `bytes`, then `release()`: until then its room is not free. When the process
 * dies before, or forgets the message, somebody else receives it.
 */
export class Message implements Disposable {
  readonly #claim: Claim;
  readonly #bytes: Buffer;

  /** @internal */
  constructor(core: QueueCore, length: number) {
    const [flags = 0, position = 0, offset = 0] = native.out;
    this.#bytes =
      (flags & MessageFlag.spilled) === 0
        ? Buffer.from(core.ringMemory(), offset, length)
        : openSpill(core.ref, position);
    this.#claim = new Claim(this, core, position, giveBack);
  }

  /**
   * The message. Writing here changes it for nobody but the next receiver, if this process dies.
   *
   * @throws ClosedError (ERR_MULTIPROC_CLOSED) after release. A reference kept from before must not be used any more: the memory
   *   belongs to other messages then.
   */
  get bytes(): Buffer {
    this.#claim.assertOpen('read a message');
    return this.#bytes;
  }

  /** Consumes the message; its room is free for others. @throws ClosedError (ERR_MULTIPROC_CLOSED) when done already. */
  release(): void {
    this.#claim.end(consume, 'release a message');
  }

  /** Releases unless that is done. */
  [Symbol.dispose](): void {
    if (this.#claim.open) this.release();
  }
}

/** The error for a reservation that no ring of this capacity has room for. */
export function tooLarge(bytes: number, core: QueueCore): RangeError {
  return argumentRangeError(
    `Cannot reserve ${bytes} bytes in Queue: with a capacity of ${core.capacity} bytes, ${core.capacity / 4} are the most`,
  );
}
