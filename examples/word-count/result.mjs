// @ts-check
// What a job gives, and whether two jobs gave the same.

/** @typedef {import('./word-table.mjs').WordCounts} WordCounts */
/** @typedef {{ files: number, bytes: number, words: number }} Totals */

export class Result {
  /** @type {Map<string, number>} */
  counts = new Map();
  /** What each worker did. @type {Totals[]} */
  workers = [];
  /** Messages that went from one process to another, files and counts. */
  messages = 0;
  /** How long the job took, in seconds. */
  seconds = 0;

  /** @param {WordCounts} part */
  merge({ words, counts }) {
    this.messages += 1;
    const text = Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString();
    for (const [index, word] of text.split('\n').entries()) {
      this.counts.set(word, (this.counts.get(word) ?? 0) + /** @type {number} */ (counts[index]));
    }
  }

  /** @returns {Totals} */
  get totals() {
    const totals = { files: 0, bytes: 0, words: 0 };
    for (const { files, bytes, words } of this.workers) {
      totals.files += files;
      totals.bytes += bytes;
      totals.words += words;
    }
    return totals;
  }

  /**
   * The most frequent words; those that are equally frequent in alphabetical order.
   *
   * @param {number} count
   */
  top(count) {
    return [...this.counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, count);
  }
}

/**
 * How two results differ, in words; `undefined` when they are equal.
 *
 * @param {Result} a
 * @param {Result} b
 */
export function differenceOf(a, b) {
  for (const what of /** @type {const} */ (['files', 'bytes', 'words'])) {
    if (a.totals[what] !== b.totals[what]) return `${a.totals[what]} ${what} and ${b.totals[what]} ${what}`;
  }
  for (const word of new Set([...a.counts.keys(), ...b.counts.keys()])) {
    const [here = 0, there = 0] = [a.counts.get(word), b.counts.get(word)];
    if (here !== there) return `${JSON.stringify(word)} ${here} times and ${there} times`;
  }
  return undefined;
}
