/**
 * Values on their way through a channel's ring: a head that says for whom a value is, and the value as the library sends any.
 */
import { type QueueCore } from '../channels/queue-core.js';
import { decoder, openSpill } from '../channels/incoming.js';
import { frames, KeptMessage } from '../channels/outgoing.js';
import { GetMode, MessageFlag, native, Status } from '../internal/native.js';
import { statusError } from '../internal/status-error.js';

const HEAD = 8;
/** In place of an offer: anybody may read it. */
export const ANYBODY = -1;

const blank = Buffer.alloc(HEAD);

/** A value that was copied. It is put into a ring, and put again if its offer comes to nothing. */
export class Parcel {
  readonly #message: KeptMessage;

  /** @throws NotTransferableError. */
  constructor(value: unknown) {
    this.#message = new KeptMessage(frames, frames.encode({ head: blank, payload: value }));
  }

  /**
   * Puts it for the reader whose offer it names, on behalf of the writer whose offer it names, or for anybody.
   *
   * @returns false when there is no room.
   * @throws NoSpaceError, SystemError, CorruptSegmentError.
   */
  put(ring: QueueCore, offer: number, generation: number): boolean {
    const head = this.#message.bytes as Buffer;
    head.writeInt32LE(offer, 0);
    head.writeInt32LE(generation, 4);
    const status = this.#message.putAgain(ring);
    if (status === Status.Again) return false;
    if (status < 0) throw statusError(status, 'write to Channel');
    return true;
  }

  /** It will not be put again. */
  drop(): void {
    this.#message.drop();
  }
}

/** A parcel that was claimed in a ring: nobody else sees it, unless this process dies. */
export class Arrival {
  readonly offer: number;
  readonly generation: number;
  readonly #ring: QueueCore;
  readonly #position: number;
  readonly #bytes: Buffer;
  readonly #ownsBytes: boolean;

  private constructor(ring: QueueCore, position: number, bytes: Buffer, ownsBytes: boolean) {
    this.#ring = ring;
    this.#position = position;
    this.#bytes = bytes;
    this.#ownsBytes = ownsBytes;
    this.offer = bytes.length < HEAD ? ANYBODY : bytes.readInt32LE(0);
    this.generation = bytes.length < HEAD ? 0 : bytes.readInt32LE(4);
  }

  /** Claims the oldest parcel that is not claimed; `undefined` if there is none. */
  static next(ring: QueueCore): Arrival | undefined {
    const length = native.ringGet(ring.ref, 0, GetMode.view, 0);
    if (length === Status.Again || length === Status.ShutDown) return undefined;
    if (length < 0) throw statusError(length, 'read from Channel');
    const [flags = 0, position = 0, offset = 0] = native.out;
    if ((flags & MessageFlag.spilled) !== 0) return new Arrival(ring, position, openSpill(ring.ref, position), true);
    return new Arrival(ring, position, Buffer.from(ring.ringMemory(), offset, length), false);
  }

  /** Gives it back to its place. */
  giveBack(): void {
    native.ringRequeue(this.#ring.ref, this.#position);
  }

  /** Consumes it. */
  drop(): void {
    native.ringRelease(this.#ring.ref, this.#position);
  }

  /**
   * Consumes it, and makes the value. Runs code of the program where classes are registered.
   *
   * @throws what decoding throws; it is consumed then, too.
   */
  open(): unknown {
    try {
      const bytes = this.#ownsBytes ? this.#bytes : Buffer.from(this.#bytes);
      return decoder.decode(bytes, HEAD, bytes.length, true);
    } finally {
      // Only now: what the value refers to is kept alive by its sender until it is consumed.
      this.drop();
    }
  }
}
