/**
 * Messages on their way into a queue.
 */
import { type Encoded } from '../internal/codec/codec.js';
import { RawEncoder } from '../internal/codec/raw.js';
import { encoder as structured } from '../internal/encoder.js';
import { MessageFlag, native, Status } from '../internal/native.js';
import { Luggage, pinLastMessage } from '../internal/transit.js';
import type { CodecName } from './codec-name.js';
import type { QueueCore } from './queue-core.js';

/** Makes messages of values. The message is valid until the next one. */
export interface MessageEncoder<T = unknown> extends Encoded {
  /** @returns the bytes in the scratch memory that native code knows; `body` has the rest. */
  encode(value: T): number;
}

const rawViews = new RawEncoder();

/** Bytes need no encoding, and what is a Uint8Array already needs no view. */
const raw: MessageEncoder & { body: Uint8Array | null } = {
  body: null,
  handles: null,
  encode(value) {
    if (value instanceof Uint8Array) {
      this.body = value;
    } else {
      rawViews.encode(value);
      this.body = rawViews.body;
    }
    return 0;
  },
};

/** A value behind a head that its user writes by himself. */
export interface Frame {
  /** Read when the payload has been encoded. */
  readonly head: Uint8Array;
  readonly payload: unknown;
}

/** A value that was encoded before it is put into a frame, once or several times. */
export class Payload implements Encoded {
  readonly body: Uint8Array;
  readonly handles: Encoded['handles'];
  /** What it refers to stays alive as long as it may be sent. */
  readonly #luggage: Luggage | null;

  /** @throws NotTransferableError. */
  constructor(value: unknown) {
    const headLength = structured.encode(value);
    const { body, handles } = structured;
    const head = structured.scratch.subarray(0, headLength);
    this.body = body === null ? Buffer.from(head) : Buffer.concat([head, body]);
    this.handles = handles;
    this.#luggage = handles === null ? null : new Luggage(handles);
  }

  /** It will not be sent any more. */
  drop(): void {
    this.#luggage?.release();
  }
}

/** The heads as they are, the payloads as any value. */
export const frames: MessageEncoder<Frame> & { body: Uint8Array | null; handles: Encoded['handles'] } = {
  body: null,
  handles: null,
  encode(frame) {
    const { payload } = frame;
    const encoded = payload instanceof Payload;
    const length = encoded ? 0 : structured.encode(payload);
    const { body, handles } = encoded ? payload : structured;
    this.body = body;
    this.handles = handles;
    return structured.prepend(frame.head, length);
  },
};

export function messageEncoder(codec: CodecName): MessageEncoder {
  return codec === 'raw' ? raw : structured;
}

/** What goes with every message that refers to shared objects. */
function flagsOf(encoder: Encoded): number {
  return encoder.handles === null ? 0 : MessageFlag.handles;
}

/** Tries to put the message that the encoder holds. */
export function putEncoded(ref: number, encoder: Encoded, headLength: number, waitMs: number): number {
  const flags = flagsOf(encoder);
  const status = native.ringPut(ref, headLength, encoder.body, flags, waitMs);
  return status === Status.TooLarge ? native.ringPutSpill(ref, headLength, encoder.body, flags, waitMs) : status;
}

/** After a successful put of what the encoder holds. */
export function keepAlive(core: QueueCore, encoder: Encoded): void {
  if (encoder.handles !== null) pinLastMessage(core, new Luggage(encoder.handles));
}

/** A message in memory of its own, which can wait while others are encoded. */
export class KeptMessage {
  /** Its head can be written as long as it was not put. */
  readonly bytes: Uint8Array;
  readonly #flags: number;
  readonly #luggage: Luggage | null;

  constructor(encoder: Encoded, headLength: number) {
    const head = structured.scratch.subarray(0, headLength);
    this.bytes = encoder.body === null ? Uint8Array.prototype.slice.call(head) : Buffer.concat([head, encoder.body]);
    this.#flags = flagsOf(encoder);
    this.#luggage = encoder.handles === null ? null : new Luggage(encoder.handles);
  }

  /** Does it refer to shared objects? */
  get hasLuggage(): boolean {
    return this.#luggage !== null;
  }

  /** Tries to put it. */
  put(core: QueueCore, waitMs: number): number {
    let status = native.ringPut(core.ref, 0, this.bytes, this.#flags, waitMs);
    if (status === Status.TooLarge) status = native.ringPutSpill(core.ref, 0, this.bytes, this.#flags, waitMs);
    if (status === 0 && this.#luggage !== null) pinLastMessage(core, this.#luggage);
    return status;
  }

  /** Tries to put it, and can put it again: what it refers to is kept for that until it is dropped. */
  putAgain(core: QueueCore): number {
    const again = this.#luggage?.again() ?? null;
    let status = native.ringPut(core.ref, 0, this.bytes, this.#flags, 0);
    if (status === Status.TooLarge) status = native.ringPutSpill(core.ref, 0, this.bytes, this.#flags, 0);
    if (again === null) return status;
    if (status === 0) pinLastMessage(core, again);
    else again.release();
    return status;
  }

  /** It will not be put, or not again. */
  drop(): void {
    this.#luggage?.release();
  }
}
