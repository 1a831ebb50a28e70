// @ts-check
/**
 * node benchmarks/run.mjs [--only case,…] [--quick]
 *
 * Runs every case against its contenders, prints tables, writes a result file and one chart per case.
 */
import { parseArgs } from 'node:util';

import { cases } from './cases/index.mjs';
import { installPackages, sweepOrphans } from './harness/setup.mjs';

const FULL = { samples: 7, sampleMs: 1000, timeoutMs: 120_000 };
const QUICK = { samples: 5, sampleMs: 300, timeoutMs: 60_000 };

const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const only = values.only?.split(',') ?? null;
const unknown = only?.filter((name) => !cases.some((one) => one.name === name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`Cannot run ${unknown.join(', ')}: the cases are ${cases.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const settings = values.quick ? QUICK : FULL;
installPackages();

// What stands on installed packages is imported only now that they are there.
const { describeMachine, describeVersions } = await import('./harness/machine.mjs');
const { writeResults } = await import('./harness/results.mjs');
const { runCase } = await import('./harness/schedule.mjs');
const { resultTable, verdictTable } = await import('./harness/tables.mjs');
const { judge } = await import('./harness/verdicts.mjs');

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text.slice(0, process.stderr.columns - 1)}`);
}

const date = new Date().toISOString();
const machine = describeMachine();
/** @type {import('./harness/results.mjs').CaseResult[]} */
const results = [];
for (const theCase of cases.filter(({ name }) => only === null || only.includes(name))) {
  const contenders = await runCase(theCase, settings, progress);
  const verdicts = judge(theCase, contenders);
  const { name, question, metric, unit, better, parameters } = theCase;
  results.push({ name, question, metric, unit, better, parameters, contenders, verdicts });
  progress('');
  process.stdout.write(`\n${name}: ${question}\n${resultTable(theCase, contenders)}\n`);
  if (verdicts.length > 0) process.stdout.write(`${verdictTable(theCase, verdicts)}\n`);
}

const versions = describeVersions();
const path = await writeResults(
  { date, machine, versions, settings: { ...settings, quick: values.quick, only }, cases: results },
  cases,
);
const verdicts = results.flatMap((result) => result.verdicts);
const reached = verdicts.filter((verdict) => verdict.reached === true).length;
const missed = verdicts.filter((verdict) => verdict.reached === false).length;
const failed = results.flatMap(({ contenders }) => contenders).filter(({ status }) => status === 'failed').length;
process.stdout.write(
  `\n${path}\n${reached} targets reached, ${missed} not reached, ${verdicts.length - reached - missed} not measured;` +
    ` ${failed} contenders failed\n`,
);
// A sample that was killed may leave shared memory until the library's next start; this is the next start.
if (failed > 0) sweepOrphans();
// A missed target is a result; a contender that breaks is a fault of the benchmark or of what it measures.
process.exitCode = failed > 0 ? 1 : 0;
