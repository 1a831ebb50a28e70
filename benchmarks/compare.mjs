// @ts-check
/**
 * node benchmarks/compare.mjs BEFORE.json AFTER.json
 *
 * Shows what changed between two result files. Where the ranges of the samples overlap, no difference is shown.
 */
import Table from 'cli-table3';

import { formatFigure } from './harness/format.mjs';
import { readResults } from './harness/results.mjs';

const [beforePath, afterPath, ...rest] = process.argv.slice(2);
if (beforePath === undefined || afterPath === undefined || rest.length > 0) {
  process.stderr.write('usage: node benchmarks/compare.mjs BEFORE.json AFTER.json\n');
  process.exit(2);
}
const before = readResults(beforePath);
const after = readResults(afterPath);
for (const key of /** @type {const} */ (['cpu', 'cores', 'kernel', 'governor'])) {
  if (before.machine[key] !== after.machine[key]) {
    process.stdout.write(`different machines: ${key} was ${before.machine[key]}, is ${after.machine[key]}\n`);
  }
}
if (before.versions.node !== after.versions.node) {
  process.stdout.write(`different Node: was ${before.versions.node}, is ${after.versions.node}\n`);
}

const table = new Table({
  head: ['case', 'contender', 'before', 'after', 'change', 'verdict'],
  style: { head: [], border: [] },
});
for (const theCase of after.cases) {
  const earlier = before.cases.find(({ name }) => name === theCase.name);
  for (const { id, label, summary } of theCase.contenders) {
    const old = earlier?.contenders.find((one) => one.id === id)?.summary;
    if (old == null || summary === null) continue;
    const overlap = summary.min <= old.max && old.min <= summary.max;
    const improved = summary.median > old.median === (theCase.better === 'higher');
    /** @param {typeof summary} one */
    const show = (one) =>
      `${formatFigure(one.median, theCase.unit)} (${formatFigure(one.min, theCase.unit)} … ${formatFigure(one.max, theCase.unit)})`;
    const change = old.median === 0 ? '' : `${(100 * (summary.median / old.median - 1)).toFixed(1)} %`;
    const verdict = overlap ? 'no difference shown' : improved ? 'better' : 'worse';
    table.push([theCase.name, label, show(old), show(summary), change, verdict]);
  }
}
process.stdout.write(`${table.toString()}\n`);
