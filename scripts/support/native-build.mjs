// @ts-check
// The native unit tests: built by CMake through cmake-js, run by CTest.

import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { root } from './root.mjs';
import { binOf, run, runQuietly } from './run.mjs';

/**
 * The builds that the tests run in.
 *
 * @type {Record<string, { sanitize: string, env: NodeJS.ProcessEnv, prefix: readonly string[] }>}
 */
const VARIANTS = {
  plain: { sanitize: '', env: {}, prefix: [] },
  address: { sanitize: 'address,undefined', env: { UBSAN_OPTIONS: 'print_stacktrace=1' }, prefix: [] },
  // GCC 12's TSan refuses to start under the wide address randomisation of newer kernels.
  thread: {
    sanitize: 'thread',
    env: { TSAN_OPTIONS: 'second_deadlock_stack=1' },
    prefix: ['setarch', '--addr-no-randomize'],
  },
};

/** The names that {@link runNativeTests} accepts. */
export const variantNames = Object.keys(VARIANTS);

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {readonly string[]} [failures] names of those that failed
 */

/**
 * Builds and runs the native unit tests.
 *
 * @param {string} variant one of {@link variantNames}
 * @returns {Counts} a build that fails counts as one failed test
 */
export function runNativeTests(variant) {
  const settings = VARIANTS[variant];
  if (settings === undefined) throw new RangeError(`Cannot run native tests: no variant ${JSON.stringify(variant)}`);
  const folder = join('build-cmake', variant);
  if (!buildNativeTests(folder, settings.sanitize)) return { passed: 0, failed: 1 };

  const report = join(root, folder, 'tests.xml');
  rmSync(report, { force: true });
  // Most tests wait for other processes most of the time.
  const [command, ...args] = [
    ...settings.prefix,
    ...['ctest', '--test-dir', folder, '--output-on-failure', '--no-tests=error', '--output-junit', report],
    ...['--parallel', String(3 * availableParallelism())],
  ];
  const ended = run(/** @type {string} */ (command), args, { env: settings.env });
  const counts = countsOf(report);
  // CTest can fail without a failing test, for example when there is none at all.
  return !ended && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {string} folder relative to the project's
 * @param {string} sanitize empty: no sanitizers
 * @param {string} [target] builds no more than this
 * @returns {boolean} false if the build failed, having said why
 */
export function buildNativeTests(folder, sanitize, target) {
  process.stdout.write(`building the native tests${sanitize === '' ? '' : ` with ${sanitize} sanitizers`}\n`);
  const built = runQuietly(process.execPath, [
    binOf('cmake-js'),
    'build',
    '--prefer-make',
    ...['--out', join(root, folder)],
    ...['--parallel', String(availableParallelism())],
    `--CDMULTIPROC_SANITIZE=${sanitize}`,
    ...(target === undefined ? [] : ['--target', target]),
  ]);
  if (built && sanitize === '') {
    // Where editors and clang-tidy look for it.
    copyFileSync(join(root, folder, 'compile_commands.json'), join(root, 'compile_commands.json'));
  }
  return built;
}

/**
 * @param {string} report path of a JUnit file by CTest
 * @returns {Counts} a test that did not run counts as failed
 */
function countsOf(report) {
  const text = readFileSync(report, 'utf8');
  const suite = /<testsuite\s[^>]*>/.exec(text)?.[0] ?? '';
  const number = (/** @type {string} */ attribute) => Number(new RegExp(`\\b${attribute}="(\\d+)"`).exec(suite)?.[1]);
  const failed = number('failures') + number('skipped') + number('disabled');
  const failures = [...text.matchAll(/<testcase name="([^"]*)"[^>]*status="(?!run")/g)].map(([, name = '']) => name);
  return { passed: number('tests') - failed, failed, failures };
}
