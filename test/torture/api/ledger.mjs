// @ts-check
// What every process writes down about what it does, in shared memory of its own: it survives whoever wrote it.

import { SharedArray } from 'multiproc';

/** Messages that one trial may have. */
export const MOST = 4096;
/** What is noted of each message, by its number: its put was called; it returned; it was handed out; the producer's pid. */
const BEGAN = 0;
const ENDED = 1;
const GOT = 2;
const BY = 3;
const COLUMNS = 4;
const NEXT = COLUMNS * MOST;
/** The process that is between acquire and release of what excludes others; 0: nobody. */
const INSIDE = NEXT + 1;
/** How often somebody was told that the owner before it had died. */
const TOLD = NEXT + 2;
/** Two processes were inside at a time. */
const CLASHES = NEXT + 3;
const STOP = NEXT + 4;
/** The victim owns what excludes others: an acquire has returned, no release was called. */
const OWNS = NEXT + 5;
/** Messages handed out behind a younger one of their producer, to the same consumer. */
const LATE = NEXT + 6;
/** From here on: rounds done, by bystander. */
const ROUNDS = NEXT + 7;
const SIZE = ROUNDS + 8;

export const makeLedgerArray = () => new SharedArray('i', SIZE, { lock: false });

export class Ledger {
  /** Of each producer the youngest message that this process has got. @type {Map<number, number>} */
  #youngest = new Map();

  /** @param {Int32Array} cells */
  constructor(cells) {
    this.cells = cells;
  }

  /** Numbers for messages that are about to be put, with `action` around. @param {number} count */
  begin(count) {
    const first = Atomics.add(this.cells, NEXT, count) + 1;
    if (first + count > MOST) throw new Error('The ledger is full');
    const ids = Array.from({ length: count }, (_, i) => first + i);
    for (const id of ids) {
      Atomics.store(this.cells, id * COLUMNS + BY, process.pid);
      Atomics.store(this.cells, id * COLUMNS + BEGAN, 1);
    }
    return ids;
  }

  /** @param {number[]} ids */
  end(ids) {
    for (const id of ids) Atomics.store(this.cells, id * COLUMNS + ENDED, 1);
  }

  /** @param {readonly { readonly id: number }[]} messages */
  got(messages) {
    for (const { id } of messages) {
      this.saw(id);
      Atomics.add(this.cells, id * COLUMNS + GOT, 1);
    }
  }

  /** This process was handed the message out now. @param {number} id */
  saw(id) {
    const by = Atomics.load(this.cells, id * COLUMNS + BY);
    const youngest = this.#youngest.get(by) ?? 0;
    if (id < youngest) Atomics.add(this.cells, LATE, 1);
    this.#youngest.set(by, Math.max(id, youngest));
  }

  /** By the victim alone. @param {boolean} owns */
  own(owns) {
    Atomics.store(this.cells, OWNS, owns ? 1 : 0);
  }

  /** As the owner of what excludes others. @param {boolean} ownerDied */
  enter(ownerDied) {
    if (ownerDied) Atomics.add(this.cells, TOLD, 1);
    const before = Atomics.exchange(this.cells, INSIDE, process.pid);
    // The dead one before us did not come to leave.
    if (before !== 0 && !ownerDied) Atomics.add(this.cells, CLASHES, 1);
  }

  leave() {
    if (Atomics.exchange(this.cells, INSIDE, 0) !== process.pid) Atomics.add(this.cells, CLASHES, 1);
  }

  get inside() {
    return Atomics.load(this.cells, INSIDE);
  }
  get told() {
    return Atomics.load(this.cells, TOLD);
  }
  get owned() {
    return Atomics.load(this.cells, OWNS) === 1;
  }
  get late() {
    return Atomics.load(this.cells, LATE);
  }
  get clashes() {
    return Atomics.load(this.cells, CLASHES);
  }
  get stopped() {
    return Atomics.load(this.cells, STOP) === 1;
  }
  stop() {
    Atomics.store(this.cells, STOP, 1);
  }
  /** @param {number} bystander */
  round(bystander) {
    Atomics.add(this.cells, ROUNDS + bystander, 1);
  }
  /** @param {number} bystander */
  rounds(bystander) {
    return Atomics.load(this.cells, ROUNDS + bystander);
  }

  /**
   * Committed = received + in the queue; nothing twice.
   *
   * @param {readonly number[]} inQueue what was found at the end
   * @param {{ inHand: number, dropped?: boolean }} allowed how many messages the dead one may have had in hand: taken,
   *   and not yet noted; whether the queue was told to drop what it held
   * @returns {string[]} what is wrong
   */
  problems(inQueue, { inHand, dropped = false }) {
    const wrong = [];
    let missing = 0;
    for (let id = 1; id <= Atomics.load(this.cells, NEXT); id++) {
      const cell = (/** @type {number} */ column) => Atomics.load(this.cells, id * COLUMNS + column);
      const seen = cell(GOT) + inQueue.filter((each) => each === id).length;
      if (cell(BEGAN) !== 1) wrong.push(`message ${id} came from nowhere`);
      if (seen > 1) wrong.push(`message ${id} was delivered ${seen} times`);
      if (cell(ENDED) === 1 && seen === 0) missing++;
    }
    if (missing > inHand && !dropped)
      wrong.push(`${missing} messages are lost, at most ${inHand} were in the hand of the dead`);
    return wrong;
  }
}
