// @ts-check
// Counts the words of UTF-8 text without making a string of each: a hash table over bytes.

import { FOLDED, letterLength } from './letters.mjs';

/** A word is a run of letters of at least so many bytes: the one-letter names of minified code say nothing. */
const SHORTEST = 2;
const FNV_BASIS = 0x811c_9dc5 | 0;
const FNV_PRIME = 0x0100_0193;

/**
 * Words and how often each occurs: `words` separated by line feeds, as UTF-8, in the order of `counts`.
 *
 * @typedef {{ words: Uint8Array, counts: Uint32Array }} WordCounts
 */

export class WordTable {
  /** By hash: the number of an entry plus 1, or 0. */
  #slots = new Int32Array(1 << 16);
  #hashes = new Int32Array(1 << 15);
  #counts = new Uint32Array(1 << 15);
  /** Where each entry's word begins in the text; it ends where the next begins, less the separator. */
  #starts = new Int32Array((1 << 15) + 1);
  #text = new Uint8Array(1 << 18);
  #size = 0;

  /**
   * Counts the words of a text; ASCII letters in either case are the same.
   *
   * @param {Uint8Array} bytes
   * @returns {number} how many words there are
   */
  add(bytes) {
    const end = bytes.length;
    let words = 0;
    let at = 0;
    while (at < end) {
      const start = at;
      let hash = FNV_BASIS;
      while (at < end) {
        const byte = /** @type {number} */ (bytes[at]);
        const letter = /** @type {number} */ (FOLDED[byte]);
        if (letter !== 0) {
          hash = Math.imul(hash ^ letter, FNV_PRIME);
          at += 1;
          continue;
        }
        const length = byte < 0x80 ? 0 : letterLength(bytes, at);
        if (length === 0) break;
        for (const next = at + length; at < next; at++) {
          hash = Math.imul(hash ^ /** @type {number} */ (bytes[at]), FNV_PRIME);
        }
      }
      if (at - start >= SHORTEST) {
        this.#count(bytes, start, at, hash ^ (hash >>> 15));
        words += 1;
      }
      // What ended the word is no letter.
      at += 1;
    }
    return words;
  }

  /**
   * All words with their counts, in parts of at most `size` words.
   *
   * @param {number} size
   * @returns {Generator<WordCounts, void>}
   */
  *parts(size) {
    for (let first = 0; first < this.#size; first += size) {
      const end = Math.min(first + size, this.#size);
      const textEnd = /** @type {number} */ (this.#starts[end]) - 1;
      yield { words: this.#text.slice(this.#starts[first], textEnd), counts: this.#counts.slice(first, end) };
    }
  }

  /** @param {Uint8Array} bytes @param {number} start @param {number} end @param {number} hash */
  #count(bytes, start, end, hash) {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = /** @type {number} */ (this.#slots[slot]) - 1;
      if (entry < 0) {
        this.#insert(bytes, start, end, hash);
        this.#slots[slot] = this.#size;
        if (this.#size * 2 > this.#slots.length) this.#rehash();
        return;
      }
      if (this.#hashes[entry] === hash && this.#is(entry, bytes, start, end)) {
        /** @type {number} */ (this.#counts[entry]) += 1;
        return;
      }
    }
  }

  /** @param {number} entry @param {Uint8Array} bytes @param {number} start @param {number} end */
  #is(entry, bytes, start, end) {
    const text = this.#text;
    let at = /** @type {number} */ (this.#starts[entry]);
    if (/** @type {number} */ (this.#starts[entry + 1]) - 1 - at !== end - start) return false;
    for (let index = start; index < end; index++, at++) {
      const byte = /** @type {number} */ (bytes[index]);
      if (text[at] !== (FOLDED[byte] || byte)) return false;
    }
    return true;
  }

  /** @param {Uint8Array} bytes @param {number} start @param {number} end @param {number} hash */
  #insert(bytes, start, end, hash) {
    const entry = this.#size;
    let at = /** @type {number} */ (this.#starts[entry]);
    while (at + (end - start) >= this.#text.length) this.#text = grown(this.#text);
    if (entry === this.#hashes.length) {
      this.#hashes = grown(this.#hashes);
      this.#counts = grown(this.#counts);
      this.#starts = grown(this.#starts);
    }
    for (let index = start; index < end; index++) {
      const byte = /** @type {number} */ (bytes[index]);
      this.#text[at++] = FOLDED[byte] || byte;
    }
    this.#text[at++] = 0x0a;
    this.#hashes[entry] = hash;
    this.#counts[entry] = 1;
    this.#starts[entry + 1] = at;
    this.#size = entry + 1;
  }

  #rehash() {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#size; entry++) {
      let slot = /** @type {number} */ (this.#hashes[entry]) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

/**
 * @template {Uint8Array | Int32Array | Uint32Array} T
 * @param {T} array
 * @returns {T} twice as long
 */
function grown(array) {
  const longer = /** @type {T} */ (new /** @type {any} */ (array.constructor)(array.length * 2));
  longer.set(array);
  return longer;
}
