// @ts-check
// The whole test run: builds everything, runs the native and the JavaScript tests, and ends with their counts.
//
//   node scripts/test.mjs [--summary FILE]      FILE receives the totals as JSON

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildAddon } from './support/build-addon.mjs';
import { buildLibrary } from './support/build-library.mjs';
import { runNativeTests } from './support/native-build.mjs';
import { runVitest } from './support/vitest-run.mjs';

/** @typedef {import('./support/native-build.mjs').Counts} Counts */

const { values } = parseArgs({ options: { summary: { type: 'string' } } });

const results = testAll();
for (const [name, { passed, failed, failures = [] }] of results) {
  process.stdout.write(`${name}: ${passed} passed, ${failed} failed\n`);
  for (const test of failures) process.stdout.write(`  failed: ${test}\n`);
}
const total = {
  passed: results.reduce((sum, [, counts]) => sum + counts.passed, 0),
  failed: results.reduce((sum, [, counts]) => sum + counts.failed, 0),
  failures: results.flatMap(([, counts]) => counts.failures ?? []),
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
