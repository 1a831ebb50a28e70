// @ts-check
// The tables.

import Table from 'cli-table3';

/** @typedef {import('./result.mjs').Result} Result */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
/** @param {number} number @param {number} digits */
const fixed = (number, digits) =>
  number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** @param {number} bytes */
export const megabytes = (bytes) => `${fixed(bytes / 1e6, 1)} MB`;
/** @param {number} count @param {string} what */
export const countOf = (count, what) => `${whole.format(count)} ${what}${count === 1 ? '' : 's'}`;

/** @param {Result} result @param {number} count */
export function topWords(result, count) {
  const words = result.counts.top(count).map(([word, times]) => [word, whole.format(times)]);
  return table(['word', 'times'], words);
}

/** @param {Result} result */
export function workOfEach({ workers }) {
  const rows = workers.map(({ files, bytes, words }, index) => [
    String(index + 1),
    whole.format(files),
    fixed(bytes / 1e6, 1),
    whole.format(words),
  ]);
  return table(['worker', 'files', 'MB', 'words'], rows);
}

/**
 * @typedef {object} Comparison
 * @property {string} job
 * @property {Result} queue
 * @property {Result} channel
 */

/** @param {readonly Comparison[]} comparisons */
export function transports(comparisons) {
  const rows = comparisons.flatMap(({ job, queue, channel }) => [
    [`${job}, over a multiproc Queue`, ...speed(queue), ''],
    [`${job}, over process.send`, ...speed(channel), ratioOf({ queue, channel })],
  ]);
  return table(['job', 'seconds', 'MB/s', 'messages/s', 'times as long'], rows);
}

/**
 * How long process.send takes when the queue takes 1.
 *
 * @param {{ queue: Result, channel: Result }} results
 */
export const ratioOf = ({ queue, channel }) => fixed(channel.seconds / queue.seconds, 2);

/** @param {Result} result */
function speed({ seconds, messages, totals }) {
  return [fixed(seconds, 3), fixed(totals.bytes / 1e6 / seconds, 1), whole.format(messages / seconds)];
}

/** @param {string[]} head @param {string[][]} rows the first column is text, the others are numbers */
function table(head, rows) {
  const colAligns = head.map((_, column) =>
    column === 0 ? /** @type {const} */ ('left') : /** @type {const} */ ('right'),
  );
  const lines = new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
  lines.push(...rows);
  return lines.toString();
}
