// @ts-check
// The whole test run: builds everything, runs the native and the JavaScript tests, and ends with their counts.
//
//   node scripts/test.mjs [--summary FILE]      FILE receives the totals as JSON

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildAddon } from './support/build-addon.mjs';
import { buildLibrary } from './support/build-library.mjs';
import { runNativeTests } from './support/native-build.mjs';
import { binOf, run } from './support/run.mjs';

/** @typedef {import('./support/native-build.mjs').Counts} Counts */

const { values } = parseArgs({ options: { summary: { type: 'string' } } });

const results = testAll();
for (const [name, { passed, failed }] of results) {
  process.stdout.write(`${name}: ${passed} passed, ${failed} failed\n`);
}
const total = {
  passed: results.reduce((sum, [, counts]) => sum + counts.passed, 0),
  failed: results.reduce((sum, [, counts]) => sum + counts.failed, 0),
};
if (values.summary !== undefined) writeFileSync(values.summary, JSON.stringify(total));
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** @returns {[string, Counts][]} */
function testAll() {
  if (!buildAddon() || !buildLibrary()) return [['build', { passed: 0, failed: 1 }]];
  return [
    ['native tests', runNativeTests('plain')],
    ['vitest', runVitest()],
  ];
}

/** @returns {Counts} */
function runVitest() {
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-test-'));
  const report = join(folder, 'vitest.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const ended = run(process.execPath, [binOf('vitest'), 'run', ...reporters]);
    const counts = countsOf(JSON.parse(readFileSync(report, 'utf8')));
    // Errors outside any test, such as an unhandled rejection, fail the run only.
    return !ended && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } catch (error) {
    process.stderr.write(`vitest left no report: ${error}\n`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A skipped test counts as failed: none is allowed. So does a file that could not even be loaded.
 *
 * @param {{ numPassedTests: number, numTotalTests: number, testResults: { status: string, assertionResults: unknown[] }[] }} report
 * @returns {Counts}
 */
function countsOf(report) {
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return {
    passed: report.numPassedTests,
    failed: report.numTotalTests - report.numPassedTests + unloaded.length,
  };
}
