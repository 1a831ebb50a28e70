// @ts-check
// The tables.

import Table from 'cli-table3';

/** @typedef {import('./result.mjs').Result} Result */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
/** @param {number} number @param {number} digits */
const fixed = (number, digits) => number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** @param {number} bytes */
export const megabytes = (bytes) => `${fixed(bytes / 1e6, 1)} MB`;
/** @param {number} count @param {string} what */
export const countOf = (count, what) => `${whole.format(count)} ${what}${count === 1 ? '' : 's'}`;

/** @param {Result} result @param {number} count */
export function topWords(result, count) {
  const words = result.top(count).map(([word, times]) => [word, whole.format(times)]);
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

/** @param {readonly (readonly [transport: string, result: Result])[]} results */
export function comparison(results) {
  const rows = results.map(([transport, { seconds, messages, totals }]) => [
    transport,
    fixed(seconds, 3),
    fixed(totals.bytes / 1e6 / seconds, 1),
    whole.format(messages / seconds),
  ]);
  return table(['transport', 'seconds', 'MB/s', 'messages/s'], rows);
}

/** @param {string[]} head @param {string[][]} rows the first column is text, the others are numbers */
function table(head, rows) {
  const colAligns = head.map((_, column) => /** @type {const} */ (column === 0 ? 'left' : 'right'));
  const lines = new Table({ head, colAligns, style: { head: [], border: [], compact: true } });
  lines.push(...rows);
  return lines.toString();
}
