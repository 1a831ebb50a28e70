/**
 * Outcomes on their way back from workers: a head of numbers, and the value or what was thrown.
 */
import { decoder, type MessageDecoder } from '../../channels/incoming.js';
import type { Frame } from '../../channels/outgoing.js';

/** What an outcome says. */
export const Outcome = {
  /** Payload: the value; of a map's job an array of them. */
  done: 0,
  /** Payload: a {@link Failure}. */
  failed: 1,
  /** Payload: a {@link Mixed}. Only a map's jobs. */
  mixed: 2,
  /** The worker is ready for work. No job; payload: its process id. */
  ready: 3,
  /** A message of a job cannot be read: so it is not known whose. Payload: an {@link UnreadableJob}. */
  unreadable: 4,
} as const;

/** Which message it is, and why. */
export interface UnreadableJob {
  readonly lane: number;
  readonly position: number;
  readonly failure: Failure;
}

/** What was thrown: the error may not be able to travel, its text is. */
export interface Failure {
  readonly error: unknown;
  readonly text: string;
  readonly stack: string;
}

/** Values of a job of which some items failed. */
export interface Mixed {
  readonly values: readonly unknown[];
  /** By the item's place in the job. */
  readonly failures: readonly (readonly [number, Failure])[];
}

const HEAD = 32;
const GENERATION = 4;
const WORKER = 8;
const KIND = 12;
const SEAT = 14;
const BEGUN = 16;
const TOOK = 24;

const head = Buffer.alloc(HEAD);

/** An outcome as a message; valid until the next one. Times in milliseconds. */
export function outcomeFrame(
  slot: number,
  generation: number,
  worker: number,
  seat: number,
  kind: number,
  begun: number,
  took: number,
  payload: unknown,
): Frame {
  head.writeUInt32LE(slot, 0);
  head.writeUInt32LE(generation, GENERATION);
  head.writeUInt32LE(worker, WORKER);
  head.writeUInt16LE(kind, KIND);
  head.writeUInt16LE(seat, SEAT);
  head.writeDoubleLE(begun, BEGUN);
  head.writeDoubleLE(took, TOOK);
  return { head, payload };
}

/** An outcome as the pool's process gets it. */
export interface OutcomeMessage {
  readonly slot: number;
  readonly generation: number;
  readonly worker: number;
  /** The index of its seat. */
  readonly seat: number;
  readonly kind: number;
  /** When the job began, by the clock of the library. */
  readonly begun: number;
  /** Milliseconds that it took. */
  readonly took: number;
  readonly payload: unknown;
  /** Why the payload could not be decoded. */
  readonly damage: { readonly error: unknown } | undefined;
}

export const outcomeDecoder: MessageDecoder<OutcomeMessage> = {
  decode(bytes, start, end, owned) {
    let payload: unknown;
    let damage: OutcomeMessage['damage'];
    try {
      payload = decoder.decode(bytes, start + HEAD, end, owned);
    } catch (error) {
      damage = { error };
    }
    return {
      slot: bytes.readUInt32LE(start),
      generation: bytes.readUInt32LE(start + GENERATION),
      worker: bytes.readUInt32LE(start + WORKER),
      seat: bytes.readUInt16LE(start + SEAT),
      kind: bytes.readUInt16LE(start + KIND),
      begun: bytes.readDoubleLE(start + BEGUN),
      took: bytes.readDoubleLE(start + TOOK),
      payload,
      damage,
    };
  },
};
