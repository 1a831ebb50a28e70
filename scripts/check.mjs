// @ts-check
// The whole gate: all tests, then every check that needs more. .ci/run prepares the machine and calls this.
//
//   node scripts/check.mjs [--all]      --all: whatever time it takes

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageChecks } from '../test/package/checks.mjs';
import { runQuickAddressTests } from './support/address-tests.mjs';
import { runChecks } from './support/checks.mjs';
import { runNativeTests } from './support/native-build.mjs';
import { root } from './support/root.mjs';
import { binOf, run, runAside } from './support/run.mjs';

const { execPath } = process;

const { values } = parseArgs({ options: { all: { type: 'boolean', default: false } } });
const minutes = (/** @type {number} */ count) => (values.all ? Infinity : count * 60_000);
/**
 * Nothing more is begun after this, and what is left counts as failed: a runner's own limit would end everything without a result. Half an hour for all is
 * usual, on two processors.
 */
const LATEST_START = minutes(84);
/**
 * On a machine that takes twice the usual time, these are left out, and named, when they would begin later: what runs under sanitizers takes as long as all that
 * is before it, and each line of Node is fetched. So each ends before a runner ends everything.
 */
const TIME_LEFT_UNTIL = { quick: minutes(76), threads: minutes(66), addresses: minutes(50) };

const sharedBefore = sharedFiles();
const checks = [
  { name: 'npm test', run: testRun },
  // Most have one thread: together they take half the time.
  [
    { name: 'lint', run: () => runAside(execPath, [binOf('oxlint')]) },
    { name: 'type check', run: () => runAside(execPath, [binOf('typescript-7', 'tsc'), '-p', 'tsconfig.json']) },
    { name: 'format', run: () => runAside(execPath, ['scripts/format.mjs', '--check']) },
    { name: 'fuzz, 30 s', run: () => runAside(execPath, ['scripts/fuzz.mjs', '--seconds', '6', '--seed', '1']) },
    { name: 'model', run: () => runAside(execPath, ['scripts/model.mjs']) },
  ],
  { name: 'nothing stays in /dev/shm', run: nothingStays },
  ...packageChecks(TIME_LEFT_UNTIL.quick),
  {
    name: 'API reference',
    run: () => run(execPath, [binOf('typedoc'), '--logLevel', 'Warn']),
    begunBy: TIME_LEFT_UNTIL.quick,
  },
  {
    name: 'native tests, thread sanitizer',
    run: () => runNativeTests('thread'),
    begunBy: TIME_LEFT_UNTIL.threads,
  },
  ...[
    { name: 'tests on an addon with address and undefined behaviour sanitizers', run: runQuickAddressTests },
    { name: 'native tests, address and undefined behaviour sanitizers', run: () => runNativeTests('address') },
    ...(hasClangTidy() ? [{ name: 'clang-tidy', run: clangTidy }] : []),
  ].map((check) => ({ ...check, begunBy: TIME_LEFT_UNTIL.addresses })),
  { name: 'nothing stays in /dev/shm behind the sanitizers', run: nothingStays, begunBy: LATEST_START },
];
const { passed, failed } = await runChecks(checks, LATEST_START);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** The tests count one by one. */
function testRun() {
  return summarised((summary) =>
    run('npm', ['test', '--', '--summary', summary], values.all ? {} : { timeout: LATEST_START }),
  );
}

/**
 * Runs what leaves its counts in a file.
 *
 * @param {(summary: string) => unknown} start
 * @returns {Promise<import('./support/native-build.mjs').Counts>}
 */
async function summarised(start) {
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-check-'));
  try {
    const summary = join(folder, 'summary.json');
    await start(summary);
    return JSON.parse(readFileSync(summary, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function hasClangTidy() {
  return spawnSync('clang-tidy', ['--version']).error === undefined;
}

function clangTidy() {
  const sources = ['native/core', 'native/platform'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.cc'))
      .map((file) => join(folder, file)),
  );
  return run('clang-tidy', ['--quiet', '-p', root, ...sources]);
}

function sharedFiles() {
  return new Set(readdirSync('/dev/shm').filter((name) => name.startsWith('multiproc.')));
}

function nothingStays() {
  const left = [...sharedFiles()].filter((name) => !sharedBefore.has(name));
  for (const name of left) process.stderr.write(`left behind: /dev/shm/${name}\n`);
  return left.length === 0;
}
