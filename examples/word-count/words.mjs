// @ts-check
// What a word is: a run of letters, in bytes of UTF-8 at least SHORTEST (the one-letter names of minified code say nothing)
// and about LONGEST at most (a longer run, which is no text, is several words). ASCII letters in either case are the same.

import { FOLDED, letterLength } from './letters.mjs';

/** @typedef {import('./word-table.mjs').WordTable} WordTable */

const SHORTEST = 2;
const LONGEST = 256;
const LONGEST_LETTER = 4;

const buffer = new Uint8Array(LONGEST + LONGEST_LETTER);

/**
 * Counts the words of UTF-8 text.
 *
 * @param {Uint8Array} text
 * @param {WordTable} table
 * @returns {number} how many words there are
 */
export function countWords(text, table) {
  const word = buffer;
  const end = text.length;
  let words = 0;
  let at = 0;
  while (at < end) {
    let length = 0;
    while (at < end && length < LONGEST) {
      const byte = /** @type {number} */ (text[at]);
      const letter = /** @type {number} */ (FOLDED[byte]);
      if (letter !== 0) {
        word[length++] = letter;
        at += 1;
        continue;
      }
      const bytes = byte < 0x80 ? 0 : letterLength(text, at);
      if (bytes === 0) break;
      for (const next = at + bytes; at < next; at++) word[length++] = /** @type {number} */ (text[at]);
    }
    if (length >= SHORTEST) {
      table.add(word, 0, length, 1);
      words += 1;
    }
    // A word that is not at its longest was ended by something that is no letter.
    if (length < LONGEST) at += 1;
  }
  return words;
}
