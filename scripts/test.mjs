// @ts-check
// The whole test run: builds everything, runs the native and the JavaScript tests, and ends with their counts.
//
//   node scripts/test.mjs [--summary FILE] [--minutes N]
//
// FILE receives the totals as JSON. After N minutes no further part is begun, and what was not run is named.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildAddon } from './support/build-addon.mjs';
import { buildLibrary } from './support/build-library.mjs';
import { runNativeTests } from './support/native-build.mjs';
import { runVitest } from './support/vitest-run.mjs';

/** @typedef {import('./support/native-build.mjs').Counts} Counts */

const { values } = parseArgs({ options: { summary: { type: 'string' }, minutes: { type: 'string' } } });
const limit = Number(values.minutes ?? Infinity) * 60_000;
if (!(limit > 0)) {
  process.stderr.write(`Cannot run tests for ${values.minutes} minutes\n`);
  process.exit(2);
}

/** Parts of the JavaScript tests when there is a limit. */
const PARTS = 6;

const results = testAll();
for (const [name, { passed, failed, failures = [], notRun = [] }] of results) {
  process.stdout.write(
    `${name}: ${notRun.length > 0 ? 'NOT RUN, the time is over' : `${passed} passed, ${failed} failed`}\n`,
  );
  for (const test of failures) process.stdout.write(`  failed: ${test}\n`);
}
const total = {
  passed: results.reduce((sum, [, counts]) => sum + counts.passed, 0),
  failed: results.reduce((sum, [, counts]) => sum + counts.failed, 0),
  failures: results.flatMap(([, counts]) => counts.failures ?? []),
  notRun: results.flatMap(([, counts]) => counts.notRun ?? []),
};
if (values.summary !== undefined) writeFileSync(values.summary, JSON.stringify(total));
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** @returns {[string, Counts][]} */
function testAll() {
  if (!buildAddon() || !buildLibrary()) return [['build', { passed: 0, failed: 1 }]];
  return [['native tests', runNativeTests('plain')], ...(limit === Infinity ? [whole()] : parts())];
}

/** @returns {[string, Counts]} */
function whole() {
  return ['vitest', runVitest()];
}

/** @returns {[string, Counts][]} */
function parts() {
  return Array.from({ length: PARTS }, (_, index) => {
    const name = `vitest, part ${index + 1} of ${PARTS}`;
    const isLate = performance.now() > limit;
    return [name, isLate ? { passed: 0, failed: 0, notRun: [name] } : runVitest({}, [`--shard=${index + 1}/${PARTS}`])];
  });
}
