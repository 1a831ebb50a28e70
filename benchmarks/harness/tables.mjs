// @ts-check
/** One case's figures and verdicts as text tables. */
import Table from 'cli-table3';

import { formatFigure, formatRatio } from './format.mjs';

/** @typedef {import('../cases/case.mjs').Case} Case */
/** @typedef {import('./schedule.mjs').Measured} Measured */
/** @typedef {import('./verdicts.mjs').Verdict} Verdict */

const REASON_WIDTH = 90;

/** @param {string[]} head */
function table(head) {
  return new Table({ head, style: { head: [], border: [] } });
}

/** @param {Case} theCase @param {Measured[]} results */
export function resultTable(theCase, results) {
  const rows = table(['contender', 'median', 'min', 'max', 'samples', 'of the best']);
  const measured = results.filter((result) => result.summary !== null);
  const direction = theCase.better === 'higher' ? -1 : 1;
  /** @param {Measured} result */
  const key = (result) => direction * (result.summary?.median ?? NaN);
  measured.sort((a, b) => key(a) - key(b));
  const best = measured[0]?.summary?.median ?? NaN;
  for (const { label, summary, samples } of measured) {
    if (summary === null) continue;
    const cells = [summary.median, summary.min, summary.max].map((value) => formatFigure(value, theCase.unit));
    const share = best === 0 ? '' : `× ${formatRatio(summary.median / best)}`;
    rows.push([label, ...cells, String(samples.length), share]);
  }
  for (const { label, status, reason } of results.filter((result) => result.summary === null)) {
    rows.push([label, { colSpan: 5, content: `${status}: ${reason}`.replaceAll('\n', ' ').slice(0, REASON_WIDTH) }]);
  }
  return rows.toString();
}

/** @param {Case} theCase @param {Verdict[]} verdicts */
export function verdictTable(theCase, verdicts) {
  const rows = table(['target', 'bound', 'measured', 'spread', 'verdict']);
  for (const { target, bound, measured, reached, reason } of verdicts) {
    if (measured === null) {
      rows.push([target, bound, { colSpan: 3, content: `not measured: ${reason}`.slice(0, REASON_WIDTH) }]);
      continue;
    }
    /** @param {number} value */
    const show = (value) => (bound.startsWith('ratio') ? formatRatio(value) : formatFigure(value, theCase.unit));
    const spread = `${show(measured.min)} … ${show(measured.max)}`;
    rows.push([target, bound, show(measured.median), spread, reached ? 'reached' : 'NOT REACHED']);
  }
  return rows.toString();
}
