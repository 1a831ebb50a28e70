// @ts-check
// The fuzz targets: built by CMake through cmake-js with clang, run one at a time by libFuzzer.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './root.mjs';
import { binOf, runQuietly } from './run.mjs';

const folder = 'build-cmake/fuzz';
const corpora = 'test/fuzz/corpus';
// Far beyond what any input takes on a busy machine: it ends sleeps without end. Whatever computes without end is found
// by its accesses or its processor time (operation.h), which do not depend on what else the machine does.
const SECONDS_FOR_ONE_INPUT = 300;
const MOST_MEMORY_MIB = 2048;
const LONGEST_INPUT = 600;

/** The targets, by the names of their sources: `test/fuzz/NAME_fuzz.cc`. */
export const fuzzTargets = readdirSync(join(root, 'test/fuzz'))
  .filter((file) => file.endsWith('_fuzz.cc'))
  .map((file) => file.slice(0, -'_fuzz.cc'.length))
  .sort();

/** @returns {boolean} whether everything could be built; says why not */
export function buildFuzzTargets() {
  if (spawnSync('clang++', ['--version']).error !== undefined) {
    process.stderr.write('Cannot fuzz: clang++ does not run (Debian packages clang and libclang-rt-14-dev)\n');
    return false;
  }
  process.stdout.write('building the fuzz targets\n');
  return runQuietly(process.execPath, [
    binOf('cmake-js'),
    'build',
    '--prefer-make',
    ...['--out', join(root, folder)],
    ...['--parallel', String(availableParallelism())],
    '--CDMULTIPROC_FUZZ=ON',
    '--CDCMAKE_CXX_COMPILER=clang++',
  ]);
}

/**
 * @typedef {object} FuzzResult
 * @property {string} name
 * @property {boolean} ok
 * @property {number} executions
 * @property {number} corpus inputs that reach different code
 * @property {number} seconds
 * @property {string} report what libFuzzer printed, and how to repeat a finding; empty if there is none
 */

/**
 * Fuzzes one target, from the corpus in the repository, which stays as it is. What is found is left in
 * `build-cmake/fuzz/findings`.
 *
 * @param {string} name one of {@link fuzzTargets}
 * @param {{ seconds: number, seed: number }} options
 * @returns {FuzzResult}
 */
export function fuzz(name, { seconds, seed }) {
  const findings = join(root, folder, 'findings');
  mkdirSync(findings, { recursive: true });
  const before = new Set(readdirSync(findings));
  const fresh = mkdtempSync(join(tmpdir(), 'multiproc-fuzz-'));
  const began = performance.now();
  try {
    const { status, signal, error, stderr } = start(name, [
      `-max_total_time=${Math.ceil(seconds)}`,
      `-seed=${seed}`,
      `-timeout=${SECONDS_FOR_ONE_INPUT}`,
      `-rss_limit_mb=${MOST_MEMORY_MIB}`,
      `-max_len=${LONGEST_INPUT}`,
      '-jobs=0',
      '-print_final_stats=1',
      `-artifact_prefix=${findings}/${name}-`,
      fresh,
      ...corpusOf(name),
    ]);
    const figure = (/** @type {RegExp} */ pattern) => Number([...stderr.matchAll(pattern)].at(-1)?.[1] ?? 0);
    const executions = figure(/^stat::number_of_executed_units: (\d+)$/gm);
    const found = readdirSync(findings).filter((file) => !before.has(file));
    // Without a single execution nothing was tested, whatever the exit status says.
    const ok = status === 0 && found.length === 0 && executions > 0;
    return {
      name,
      ok,
      executions,
      corpus: figure(/ corp: (\d+)\//g),
      seconds: (performance.now() - began) / 1000,
      report: ok
        ? ''
        : reportOf(name, found, `${error?.message ?? signal ?? `exit code ${status}`}\n${tailOf(stderr)}`),
    };
  } finally {
    rmSync(fresh, { recursive: true });
  }
}

/**
 * Replaces a target's corpus by the fewest inputs, of those there and in `more`, that reach the same code. Named
 * findings stay.
 *
 * @param {string} name
 * @param {string} more a folder of inputs
 * @returns {boolean}
 */
export function minimise(name, more) {
  const corpus = join(root, corpora, name);
  const merged = mkdtempSync(join(tmpdir(), 'multiproc-fuzz-'));
  const { status, stderr } = start(name, ['-merge=1', `-max_len=${LONGEST_INPUT}`, merged, ...corpusOf(name), more]);
  if (status !== 0) {
    process.stderr.write(tailOf(stderr));
    return false;
  }
  mkdirSync(corpus, { recursive: true });
  for (const file of readdirSync(corpus)) if (!file.startsWith('found-')) rmSync(join(corpus, file));
  for (const file of readdirSync(merged)) {
    spawnSync('mv', [join(merged, file), corpus]);
  }
  rmSync(merged, { recursive: true });
  return true;
}

/** @param {string} name */
function corpusOf(name) {
  const corpus = join(root, corpora, name);
  return existsSync(corpus) ? [corpus] : [];
}

/** What is mounted for the program alone: damaged files in the real /dev/shm would be everybody's, and theirs ours. */
const OWN_SHARED_MEMORY = 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"';
const alone = ['--map-root-user', '--mount', 'sh', '-c', OWN_SHARED_MEMORY, 'sh'];

/**
 * @param {string} name
 * @param {readonly string[]} args
 */
function start(name, args) {
  const program = join(root, folder, name);
  const options = /** @type {const} */ ({ encoding: 'utf8', maxBuffer: 1 << 28, cwd: root });
  // Containers often forbid it. Then nothing is listed and swept but the program's own files.
  const mayMount = spawnSync('unshare', [...alone, 'true']).status === 0;
  return mayMount
    ? spawnSync('unshare', [...alone, 'env', 'MULTIPROC_FUZZ_ALONE=1', program, ...args], options)
    : spawnSync(program, args, options);
}

/** @param {string} text */
function tailOf(text) {
  return `${text.split('\n').slice(-80).join('\n')}\n`;
}

/**
 * @param {string} name
 * @param {readonly string[]} found
 * @param {string} text
 */
function reportOf(name, found, text) {
  const files = found.map((file) => `${folder}/findings/${file}`);
  const repeat = files.map((file) => `repeat it with: ${folder}/${name} ${file}\n`);
  return `${text}\n${repeat.join('')}`;
}
