/**
 * Messages on their way into a queue.
 */
import { type Encoded, Encoder } from '../internal/codec/codec.js';
import { RawEncoder } from '../internal/codec/raw.js';
import { MessageFlag, native, Status } from '../internal/native.js';
import { Luggage, pinLastMessage } from '../internal/transit.js';
import type { CodecName } from './codec-name.js';
import type { QueueCore } from './queue-core.js';

/** Makes messages of values. The message is valid until the next one. */
export interface MessageEncoder extends Encoded {
  /** @returns the bytes in the scratch memory that native code knows; `body` has the rest. */
  encode(value: unknown): number;
}

/** One for the whole environment: its scratch is the memory that native code reads messages from. */
const structured = new Encoder((scratch) => {
  native.setScratch(scratch);
});
native.setScratch(structured.scratch);

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
  readonly #bytes: Uint8Array;
  readonly #flags: number;
  readonly #luggage: Luggage | null;

  constructor(encoder: Encoded, headLength: number) {
    const head = structured.scratch.subarray(0, headLength);
    this.#bytes = encoder.body === null ? Uint8Array.prototype.slice.call(head) : Buffer.concat([head, encoder.body]);
    this.#flags = flagsOf(encoder);
    this.#luggage = encoder.handles === null ? null : new Luggage(encoder.handles);
  }

  /** Does it refer to shared objects? */
  get hasLuggage(): boolean {
    return this.#luggage !== null;
  }

  /** Tries to put it. */
  put(core: QueueCore, waitMs: number): number {
    let status = native.ringPut(core.ref, 0, this.#bytes, this.#flags, waitMs);
    if (status === Status.TooLarge) status = native.ringPutSpill(core.ref, 0, this.#bytes, this.#flags, waitMs);
    if (status === 0 && this.#luggage !== null) pinLastMessage(core, this.#luggage);
    return status;
  }

  /** It will not be put. */
  drop(): void {
    this.#luggage?.release();
  }
}
