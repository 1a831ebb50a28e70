// @ts-check
/**
 * The messages every contender carries, and the check every receiver runs.
 *
 * A byte message is `producer u32 | sequence u32 | filler … | check u32`, little endian, the same in JavaScript, Python
 * and C++ (`native/payload.h`, `python/payload.py`). Every message's three words are checked, its filler every 64th
 * time, and from 4 KiB on one word per page as well: enough to see a loss, a double, a swap or a torn copy, and cheap
 * enough (a few nanoseconds) to leave the measured difference to the transport.
 */

/** Marks the end of a stream for one consumer, in the place of the producer's number. */
export const END = 0xffff_ffff;

const FILLER_CHECK_INTERVAL = 64;
const PAGE = 4096;

/**
 * @typedef {object} StreamSpec
 * @property {'bytes' | 'object'} kind what a message is
 * @property {number} size bytes of a byte message
 * @property {number} producers
 * @property {number} consumers
 * @property {number} count messages per producer
 * @property {number} batch messages per call; 1 is the one-call-each form
 * @property {number} capacity bytes of a queue's ring, where a contender has one
 * @property {string} [style] which interface of a contender to use
 * @property {string} scratch a directory of this sample's own, removed by the runner
 */

/**
 * @typedef {object} Item
 * @property {number} id
 * @property {string} name
 * @property {string[]} tags
 * @property {{ x: number, y: number, ok: boolean }} nested
 * @property {number} ts
 */

const TAGS = ['red', 'green', 'blue'];
const EPOCH = 1_700_000_000_000;

/** @param {number} producer @param {number} sequence */
function checkWord(producer, sequence) {
  return Math.imul(sequence ^ Math.imul(producer, 0x9e37_79b1), 0x85eb_ca6b) >>> 0;
}

/** @param {Uint8Array} bytes @param {number} at */
function readWord(bytes, at) {
  return (
    /** @type {number} */ (
      bytes[at] |
        /** @type {number} */ (bytes[at + 1] << 8) |
        /** @type {number} */ (bytes[at + 2] << 16) |
        /** @type {number} */ (bytes[at + 3] << 24)
    ) >>>
    0
  );
}

/** @param {number} index */
function fillerByte(index) {
  return (index * 31 + 7) & 0xff;
}

/** @param {number} id @returns {Item} */
export function makeItem(id) {
  return {
    id,
    name: `item-${id}`,
    tags: TAGS.slice(),
    nested: { x: id ^ 0x5555, y: 2.5, ok: true },
    ts: EPOCH + id,
  };
}

/** Makes one producer's messages in order. */
export class Source {
  #spec;
  #producer;
  #next = 0;
  #template;
  #view;

  /** @param {StreamSpec} spec @param {number} producer */
  constructor(spec, producer) {
    this.#spec = spec;
    this.#producer = producer;
    this.#template = Buffer.alloc(spec.size);
    for (let i = 0; i < spec.size; i++) this.#template[i] = fillerByte(i);
    this.#view = new DataView(this.#template.buffer, this.#template.byteOffset, spec.size);
  }

  /** The next byte message, in memory that the following call reuses. */
  nextBytes() {
    this.#stamp(this.#producer, this.#next++);
    return this.#template;
  }

  /** The next byte message in memory of its own, for a transport that keeps a reference instead of a copy. */
  nextOwnBytes() {
    return Buffer.from(this.nextBytes());
  }

  nextItem() {
    return makeItem(this.#next++);
  }

  /** The message that the spec asks for; `own` is for transports that keep references. @param {boolean} [own] */
  next(own = false) {
    if (this.#spec.kind === 'object') return this.nextItem();
    return own ? this.nextOwnBytes() : this.nextBytes();
  }

  /** The next `count` messages, each in memory of its own. @param {number} count */
  nextBatch(count) {
    return Array.from({ length: count }, () => this.next(true));
  }

  /** The message that tells one consumer that nothing more comes. */
  end() {
    this.#stamp(END, 0);
    return this.#template;
  }

  /** @param {number} producer @param {number} sequence */
  #stamp(producer, sequence) {
    const { size } = this.#spec;
    const check = checkWord(producer, sequence);
    for (let at = PAGE; at < size - 4; at += PAGE) this.#view.setUint32(at, check, true);
    this.#view.setUint32(0, producer, true);
    this.#view.setUint32(4, sequence, true);
    this.#view.setUint32(size - 4, check, true);
  }
}

/**
 * @typedef {object} TallyReport
 * @property {number[]} counts messages seen, by producer
 * @property {number[]} sums sum of the sequence numbers seen, by producer
 * @property {number} lastNs monotonic time at the end of this consumer's stream
 */

/** Checks and counts what one consumer receives. */
export class Tally {
  #spec;
  #expected;
  #seen = 0;
  /** @type {number[]} */
  #counts;
  /** @type {number[]} */
  #sums;
  /** @type {number[]} */
  #latest;

  /** @param {StreamSpec} spec */
  constructor(spec) {
    this.#spec = spec;
    // A single consumer knows how many messages to expect; one of several learns the end from a marker.
    this.#expected = spec.consumers === 1 ? spec.producers * spec.count : Infinity;
    this.#counts = new Array(spec.producers).fill(0);
    this.#sums = new Array(spec.producers).fill(0);
    this.#latest = new Array(spec.producers).fill(-1);
  }

  /** Checks one message; false when it was the last one for this consumer. @param {any} message @returns {boolean} */
  take(message) {
    return this.#spec.kind === 'object' ? this.takeItem(message) : this.takeBytes(message);
  }

  /** @param {any[]} messages @returns {boolean} */
  takeAll(messages) {
    let more = true;
    for (const message of messages) {
      if (!more) throw new Error('Cannot accept message: it came after the end of the stream');
      more = this.take(message);
    }
    return more;
  }

  /** @param {Uint8Array} bytes */
  takeBytes(bytes) {
    const { size } = this.#spec;
    if (bytes.length !== size) throw new Error(`Cannot accept message: ${bytes.length} bytes, not ${size}`);
    return this.takeRecord(bytes, 0);
  }

  /**
   * Checks the message that starts at byte `base`, for transports that deliver several in one piece.
   * @param {Uint8Array} bytes @param {number} base
   */
  takeRecord(bytes, base) {
    const { size } = this.#spec;
    const producer = readWord(bytes, base);
    const sequence = readWord(bytes, base + 4);
    const check = checkWord(producer, sequence);
    if (readWord(bytes, base + size - 4) !== check) throw this.#torn(producer, sequence, size - 4);
    for (let at = PAGE; at < size - 4; at += PAGE) {
      if (readWord(bytes, base + at) !== check) throw this.#torn(producer, sequence, at);
    }
    if (producer === END) return false;
    if (sequence % FILLER_CHECK_INTERVAL === 0) this.#checkFiller(bytes, base, producer, sequence);
    return this.#record(producer, sequence);
  }

  /** @param {Item} item */
  takeItem(item) {
    const { id } = item;
    if (item.nested.x !== (id ^ 0x5555) || item.ts !== EPOCH + id || item.tags.length !== 3) {
      throw new Error(`Cannot accept message: item ${id} arrived changed: ${JSON.stringify(item)}`);
    }
    if (id % FILLER_CHECK_INTERVAL === 0 && JSON.stringify(item) !== JSON.stringify(makeItem(id))) {
      throw new Error(`Cannot accept message: item ${id} arrived changed: ${JSON.stringify(item)}`);
    }
    return this.#record(0, id);
  }

  /** @param {number} lastNs @returns {TallyReport} */
  report(lastNs) {
    return { counts: this.#counts, sums: this.#sums, lastNs };
  }

  /** @param {number} producer @param {number} sequence */
  #record(producer, sequence) {
    const latest = this.#latest[producer];
    if (latest === undefined) throw new Error(`Cannot accept message: there is no producer ${producer}`);
    if (sequence <= latest) {
      throw new Error(`Cannot accept message: ${sequence} of producer ${producer} came after ${latest}`);
    }
    this.#latest[producer] = sequence;
    this.#counts[producer] = /** @type {number} */ (this.#counts[producer]) + 1;
    this.#sums[producer] = /** @type {number} */ (this.#sums[producer]) + sequence;
    return ++this.#seen < this.#expected;
  }

  /** @param {Uint8Array} bytes @param {number} base @param {number} producer @param {number} sequence */
  #checkFiller(bytes, base, producer, sequence) {
    const size = Math.min(this.#spec.size - 4, PAGE);
    for (let at = 8; at < size; at++) {
      if (bytes[base + at] !== fillerByte(at)) throw this.#torn(producer, sequence, at);
    }
  }

  /** @param {number} producer @param {number} sequence @param {number} at */
  #torn(producer, sequence, at) {
    return new Error(`Cannot accept message: ${sequence} of producer ${producer} is torn at byte ${at}`);
  }
}

/**
 * Throws unless every message of every producer arrived exactly once.
 * @param {StreamSpec} spec @param {TallyReport[]} reports
 */
export function verifyTallies(spec, reports) {
  const expectedSum = (spec.count * (spec.count - 1)) / 2;
  for (let producer = 0; producer < spec.producers; producer++) {
    let count = 0;
    let sum = 0;
    for (const report of reports) {
      count += report.counts[producer] ?? 0;
      sum += report.sums[producer] ?? 0;
    }
    if (count !== spec.count || sum !== expectedSum) {
      throw new Error(
        `Cannot accept sample: producer ${producer} sent ${spec.count} messages, ${count} arrived` +
          ` (sum of numbers ${sum}, expected ${expectedSum})`,
      );
    }
  }
}
