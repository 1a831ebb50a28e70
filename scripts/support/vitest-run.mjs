// @ts-check
// The JavaScript tests, counted.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { binOf, run } from './run.mjs';

/** @typedef {import('./native-build.mjs').Counts} Counts */

/**
 * @param {NodeJS.ProcessEnv} [env] added to this process's environment
 * @param {readonly string[]} [args] of vitest: which files
 * @returns {Counts}
 */
export function runVitest(env = {}, args = []) {
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-test-'));
  const report = join(folder, 'vitest.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const ended = run(process.execPath, [binOf('vitest'), 'run', ...reporters, ...args], { env });
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
 * @param {{ numPassedTests: number, numTotalTests: number, testResults: { name: string, status: string, assertionResults: { status: string, fullName: string, failureMessages: string[] }[] }[] }} report
 * @returns {Counts}
 */
function countsOf(report) {
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  const failures = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status !== 'passed')
      .map(({ fullName, failureMessages }) =>
        [`${basename(name)} › ${fullName}`, ...failureMessages.map(shortened)].join('\n    '),
      ),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numTotalTests - report.numPassedTests + unloaded.length,
    failures: [...failures, ...unloaded.map(({ name }) => name)],
  };
}

/** As much of a message as a summary has room for: vitest prints all of it, far above. */
function shortened(/** @type {string} */ message) {
  return stripVTControlCharacters(message).split('\n').slice(0, 8).join('\n    ');
}
