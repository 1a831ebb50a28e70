// @ts-check
// What the actors of the soak write down before and after each operation, in a segment of its own: a kill leaves it as it was at that instant,
// so the supervisor knows what the dead one may have had in its hands. Plain words and bytes; each has one writer, or is written by Atomics.

import { SharedMemory } from 'multiproc';

export const SEATS = 16;
/** What a row says its actor is doing with `object`. */
export const Doing = { idle: 0, asking: 1, inside: 2, leaving: 3 };
/** Words of a row. */
export const Row = { incarnation: 0, doing: 1, object: 2, batch: 3, beats: 4 };
/** Words of a lock's record; the first three are guarded by that lock and nothing else. */
export const Guarded = { first: 0, second: 1, inside: 2, told: 3, toldOfNobody: 4, entries: 5 };
/** Words of a queue's record. */
export const Flow = { next: 0, received: 1, late: 2, redelivered: 3, bytes: 4 };
/** The same for messages of 0 bytes, which carry no number. */
export const Empty = { begun: 8, returned: 9, ending: 10, ended: 11 };
/** Bits of a message's mark. `ending`: somebody has it and may be about to consume it; `ended`: it was consumed. */
export const Mark = { begun: 1, returned: 2, ending: 4, ended: 8 };
/** Words of the head. */
export const Head = {
  stop: 0,
  capacity: 1,
  updatesBegun: 2,
  updatesEnded: 3,
  cellsBegun: 4,
  cellsEnded: 5,
  semaphoreUses: 6,
  barrierPasses: 7,
  conditionWakes: 8,
};

export const QUEUES = 3;
export const LOCKS = 3;
export const LARGEST = 8 * 1024 * 1024;
/** The semaphore's number as an object of a row; locks and queues have theirs below. */
export const SEMAPHORE = 100;
const PATTERN = LARGEST + 65_536;
const INCARNATIONS = 1 << 18;
const WORDS = 16;

/** Bytes of a ledger for so many messages in each queue. @param {number} capacity */
function layout(capacity) {
  let end = 0;
  const take = (/** @type {number} */ bytes) => {
    const start = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return start;
  };
  const head = take(64);
  const rows = take(SEATS * WORDS * 4);
  const locks = take(LOCKS * WORDS * 4);
  const flows = take(QUEUES * WORDS * 4);
  const fates = take(INCARNATIONS);
  const holders = take(QUEUES * capacity * 4);
  const marks = take(QUEUES * capacity);
  const handed = take(QUEUES * capacity);
  const pattern = take(PATTERN);
  return { head, rows, locks, flows, fates, holders, marks, handed, pattern, bytes: end };
}

export class Ledger {
  /** @param {SharedMemory} memory */
  constructor(memory) {
    const { buffer, byteOffset } = memory.buffer;
    this.memory = memory;
    this.head = new Int32Array(buffer, byteOffset, 16);
    this.capacity = this.word(Head.capacity);
    const at = layout(this.capacity);
    const words = (/** @type {number} */ start, /** @type {number} */ count) =>
      Array.from({ length: count }, (_, i) => new Int32Array(buffer, byteOffset + start + i * WORDS * 4, WORDS));
    this.rows = words(at.rows, SEATS);
    this.locks = words(at.locks, LOCKS);
    this.flows = words(at.flows, QUEUES);
    /** 1 for each incarnation that was sent SIGKILL, written before the signal. */
    this.fates = new Uint8Array(buffer, byteOffset + at.fates, INCARNATIONS);
    const perQueue = Array.from({ length: QUEUES }, (_, q) => q * this.capacity);
    /** Which incarnation has the message; 0: nobody. */
    this.holders = perQueue.map((first) => new Int32Array(buffer, byteOffset + at.holders + first * 4, this.capacity));
    this.marks = perQueue.map((first) => new Uint8Array(buffer, byteOffset + at.marks + first, this.capacity));
    /** How often the message was handed out, as far as the receivers lived to tell. */
    this.handed = perQueue.map((first) => new Uint8Array(buffer, byteOffset + at.handed + first, this.capacity));
    this.pattern = memory.buffer.subarray(at.pattern, at.pattern + PATTERN);
  }

  /** @param {number} capacity */
  static create(capacity) {
    const memory = new SharedMemory({ size: layout(capacity).bytes });
    new Int32Array(memory.buffer.buffer, memory.buffer.byteOffset, 16)[Head.capacity] = capacity;
    return new Ledger(memory);
  }

  /** @param {number} index */
  word(index) {
    return Atomics.load(this.head, index);
  }

  get stopped() {
    return this.word(Head.stop) !== 0;
  }

  /** The body that message `number` must have. @param {number} number @param {number} size */
  body(number, size) {
    const start = (number * 61) % (PATTERN - LARGEST);
    return this.pattern.subarray(start, start + size);
  }
}

/** Word `index` of a record. @param {Int32Array} record @param {number} index */
export function read(record, index) {
  return Atomics.load(record, index);
}
