// @ts-check
// What a job gives, and whether two jobs gave the same.

import { WordTable } from './word-table.mjs';

/** @typedef {{ files: number, bytes: number, words: number }} Totals */

export class Result {
  counts = new WordTable();
  /** What each worker did. @type {Totals[]} */
  workers = [];
  /** Messages that went from one process to another: files and counts. */
  messages = 0;
  /** How long the job took. */
  seconds = 0;

  /** @param {import('./word-table.mjs').Part} part */
  merge(part) {
    this.counts.merge(part);
    this.messages += 1;
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
}

/**
 * How two results differ, in words; `undefined` when they are equal.
 *
 * @param {Result} a
 * @param {Result} b
 */
export function differenceOf(a, b) {
  for (const what of /** @type {const} */ (['files', 'bytes', 'words'])) {
    if (a.totals[what] !== b.totals[what]) return `${a.totals[what]} and ${b.totals[what]} ${what}`;
  }
  const difference = a.counts.differenceFrom(b.counts);
  return difference && `${difference.here} and ${difference.there} times ${JSON.stringify(difference.word)}`;
}
