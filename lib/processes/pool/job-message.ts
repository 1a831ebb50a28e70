/**
 * Jobs on their way to workers: a head of numbers and an address, and the arguments. Whatever becomes of the arguments, the worker knows
 * which job they belong to.
 */
import { decoded, decoder, type MessageDecoder } from '../../channels/incoming.js';
import type { Frame } from '../../channels/outgoing.js';
import { CorruptSegmentError } from '../../errors.js';

/** How a function is called. */
export const Mode = {
  /** Once, with the elements of the payload. */
  apply: 0,
  /** With each element of the payload. */
  map: 1,
  /** With the elements of each element of the payload. */
  starmap: 2,
  /** Once, with the payload. */
  one: 3,
} as const;

export type Mode = (typeof Mode)[keyof typeof Mode];

/** Layout of the head: slot, generation (4 bytes each), mode, timed (1 byte each), length of the address (2 bytes), address. */
const GENERATION = 4;
const MODE = 8;
const TIMED = 9;
const ADDRESS_LENGTH = 10;
const ADDRESS = 12;

/** What the jobs of one call have in common: the head, in which only slot, generation and mode change. */
export class CallHead {
  readonly #head: Buffer;

  /** @param timed must the worker note when each item begins? */
  constructor(timed: boolean, module: string, name: string) {
    const address = Buffer.from(`${module}\n${name}`);
    this.#head = Buffer.alloc(ADDRESS + address.length);
    this.#head[TIMED] = timed ? 1 : 0;
    this.#head.writeUInt16LE(address.length, ADDRESS_LENGTH);
    address.copy(this.#head, ADDRESS);
  }

  /** The message of one job. */
  frame(slot: number, generation: number, mode: Mode, payload: unknown): Frame {
    return new JobFrame(this, slot, generation, mode, payload);
  }

  /** The head for one job; valid until the next one. */
  headOf(slot: number, generation: number, mode: Mode): Buffer {
    this.#head[MODE] = mode;
    this.#head.writeUInt32LE(slot, 0);
    this.#head.writeUInt32LE(generation, GENERATION);
    return this.#head;
  }
}

/** Its head is written when it is needed: encoding the payload may run code that makes a call with the same head. */
class JobFrame implements Frame {
  readonly payload: unknown;
  readonly #call: CallHead;
  readonly #slot: number;
  readonly #generation: number;
  readonly #mode: Mode;

  constructor(call: CallHead, slot: number, generation: number, mode: Mode, payload: unknown) {
    this.payload = payload;
    this.#call = call;
    this.#slot = slot;
    this.#generation = generation;
    this.#mode = mode;
  }

  get head(): Uint8Array {
    return this.#call.headOf(this.#slot, this.#generation, this.#mode);
  }
}

/** Does the outcome of such a job hold a list of values? */
export function givesList(mode: Mode): boolean {
  return mode === Mode.map || mode === Mode.starmap;
}

/** A job as a worker gets it. */
export interface JobMessage {
  readonly slot: number;
  readonly generation: number;
  readonly mode: Mode;
  readonly timed: boolean;
  /** Module and name, separated by a line feed. */
  readonly address: string;
  /** Decodes the arguments: to be called before the message is released. */
  readonly payload: () => unknown;
}

/**
 * Decodes the heads. The arguments may hold instances of classes that the function's module defines: unless that is loaded, they wait.
 *
 * @param isLoaded whether the function at an address is known already.
 */
export function jobDecoder(isLoaded: (address: string) => boolean): MessageDecoder<JobMessage> {
  return {
    decode(bytes, start, end, owned) {
      const addressAt = start + ADDRESS;
      const payloadAt = addressAt + bytes.readUInt16LE(start + ADDRESS_LENGTH);
      // What a file that was tampered with looks like: nobody would know whose job it was.
      if (payloadAt === addressAt) throw new CorruptSegmentError('Cannot receive task: its message is damaged');
      const address = bytes.toString('utf8', addressAt, payloadAt);
      return {
        slot: bytes.readUInt32LE(start),
        generation: bytes.readUInt32LE(start + GENERATION),
        mode: bytes[start + MODE] as Mode,
        timed: bytes[start + TIMED] === 1,
        address,
        payload: isLoaded(address) ? decoded(bytes, payloadAt, end, owned) : delayed(bytes, payloadAt, end, owned),
      };
    },
  };
}

function delayed(bytes: Buffer, start: number, end: number, owned: boolean): () => unknown {
  const kept = owned ? bytes.subarray(start, end) : Buffer.from(bytes.subarray(start, end));
  return () => decoder.decode(kept, 0, kept.length, true);
}
