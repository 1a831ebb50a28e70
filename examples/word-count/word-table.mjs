// @ts-check
// A hash table from words, kept as bytes, to how often they occur: no string is made of a word before it is shown.

// A slot: four numbers next to each other, so that looking a word up touches little memory. Free while the count is 0.
const SLOT = 4;
const [HASH, START, LENGTH, COUNT] = [0, 1, 2, 3];

/** Separates words in a part: no word contains it. */
const SEPARATOR = 0x0a;

const FNV_BASIS = 0x811c_9dc5 | 0;
const FNV_PRIME = 0x0100_0193;

/**
 * Words, separated by line feeds, and how often each occurs, in the same order.
 *
 * @typedef {{ words: Uint8Array, counts: Uint32Array }} Part
 */

export class WordTable {
  #slots = new Int32Array(SLOT << 16);
  #size = 0;
  /** All words, one after the other. */
  #text = new Uint8Array(1 << 18);
  #textEnd = 0;

  /** How many different words there are. */
  get size() {
    return this.#size;
  }

  /**
   * Adds `times` to the count of the word in `bytes` from `start` to `end`.
   *
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @param {number} times
   */
  add(bytes, start, end, times) {
    let hash = FNV_BASIS;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ /** @type {number} */ (bytes[at]), FNV_PRIME);
    hash ^= hash >>> 15;
    const slot = this.#find(bytes, start, end, hash);
    if (this.#slots[slot + COUNT] === 0) this.#insert(slot, bytes, start, end, hash);
    /** @type {number} */ (this.#slots[slot + COUNT]) += times;
    if (this.#size * SLOT * 2 > this.#slots.length) this.#rehash();
  }

  /**
   * All words, in parts of at most `size`.
   *
   * @param {number} size
   * @returns {Generator<Part, void>}
   */
  *parts(size) {
    const used = this.#usedSlots();
    for (let first = 0; first < used.length; first += size) {
      const slots = used.subarray(first, first + size);
      const words = new Uint8Array(slots.reduce((sum, slot) => sum + this.#field(slot, LENGTH) + 1, 0));
      let end = 0;
      for (const slot of slots) {
        words.set(this.#word(slot), end);
        end += this.#field(slot, LENGTH);
        words[end++] = SEPARATOR;
      }
      yield { words, counts: Uint32Array.from(slots, (slot) => this.#field(slot, COUNT)) };
    }
  }

  /** @param {Part} part of another table */
  merge({ words, counts }) {
    let start = 0;
    for (const times of counts) {
      const end = words.indexOf(SEPARATOR, start);
      this.add(words, start, end, times);
      start = end + 1;
    }
  }

  /**
   * The most frequent words; those that are equally frequent in alphabetical order.
   *
   * @param {number} count
   * @returns {(readonly [word: string, times: number])[]}
   */
  top(count) {
    const byCount = this.#usedSlots().sort((a, b) => this.#field(b, COUNT) - this.#field(a, COUNT));
    const least = byCount.length === 0 ? 0 : this.#field(byCount[Math.min(count, byCount.length) - 1] ?? 0, COUNT);
    return [...byCount]
      .filter((slot) => this.#field(slot, COUNT) >= least)
      .map((slot) => /** @type {const} */ ([Buffer.from(this.#word(slot)).toString(), this.#field(slot, COUNT)]))
      .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, count);
  }

  /**
   * Says of a word that another table counts differently; `undefined` when both are equal.
   *
   * @param {WordTable} other
   * @returns {{ word: string, here: number, there: number } | undefined}
   */
  differenceFrom(other) {
    for (const slot of this.#usedSlots()) {
      const word = this.#word(slot);
      const here = this.#field(slot, COUNT);
      const there = other.#field(other.#find(word, 0, word.length, this.#field(slot, HASH)), COUNT);
      if (here !== there) return { word: Buffer.from(word).toString(), here, there };
    }
    if (this.#size >= other.#size) return undefined;
    const { word, here, there } = other.differenceFrom(this) ?? { word: '', here: 0, there: 0 };
    return { word, here: there, there: here };
  }

  /**
   * The slot of a word, or the free one where it belongs.
   *
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @param {number} hash
   */
  #find(bytes, start, end, hash) {
    const slots = this.#slots;
    const text = this.#text;
    const mask = slots.length - 1;
    const length = end - start;
    let slot = (hash * SLOT) & mask;
    for (; slots[slot + COUNT] !== 0; slot = (slot + SLOT) & mask) {
      if (slots[slot + HASH] !== hash || slots[slot + LENGTH] !== length) continue;
      const own = this.#field(slot, START);
      let same = 0;
      while (same < length && bytes[start + same] === text[own + same]) same += 1;
      if (same === length) break;
    }
    return slot;
  }

  /**
   * @param {number} slot
   * @param {Uint8Array} bytes
   * @param {number} start
   * @param {number} end
   * @param {number} hash
   */
  #insert(slot, bytes, start, end, hash) {
    if (this.#textEnd + (end - start) > this.#text.length) {
      const text = new Uint8Array(this.#text.length * 2 + (end - start));
      text.set(this.#text);
      this.#text = text;
    }
    this.#slots[slot + HASH] = hash;
    this.#slots[slot + START] = this.#textEnd;
    this.#slots[slot + LENGTH] = end - start;
    for (let at = start; at < end; at++) this.#text[this.#textEnd++] = /** @type {number} */ (bytes[at]);
    this.#size += 1;
  }

  #rehash() {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (const used of this.#usedSlots()) {
      let slot = (this.#field(used, HASH) * SLOT) & mask;
      while (slots[slot + COUNT] !== 0) slot = (slot + SLOT) & mask;
      for (let field = 0; field < SLOT; field++) slots[slot + field] = this.#field(used, field);
    }
    this.#slots = slots;
  }

  #usedSlots() {
    const used = new Uint32Array(this.#size);
    let size = 0;
    for (let slot = 0; slot < this.#slots.length; slot += SLOT) {
      if (this.#field(slot, COUNT) !== 0) used[size++] = slot;
    }
    return used;
  }

  /** @param {number} slot */
  #word(slot) {
    const start = this.#field(slot, START);
    return this.#text.subarray(start, start + this.#field(slot, LENGTH));
  }

  /** @param {number} slot @param {number} field */
  #field(slot, field) {
    return /** @type {number} */ (this.#slots[slot + field]);
  }
}
