/**
 * Checks the formal models with Spin: `node scripts/model.mjs [--full] [--only TEXT]`.
 *
 * Each configuration is compiled by itself and searched exhaustively. One that must hold passes only if
 * the search was complete; one with a mutation passes only if an assertion was found violated.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { configurations } from '../models/configurations.mjs';

const stopping = new AbortController();
const run = (command, args, settings) => promisify(execFile)(command, args, { ...settings, signal: stopping.signal });
const models = fileURLToPath(new URL('../models/', import.meta.url));

const MEMORY_MIB = 6000;
const DEPTH = 1_000_000;
const SEARCH_LIMIT_MS = { quick: 10 * 60_000, full: 3 * 60 * 60_000 };

const { values: options } = parseArgs({
  options: { full: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
});

async function requireTool(command, args, debianPackage) {
  try {
    await run(command, args);
  } catch (error) {
    const reason = `${command} does not run (Debian package ${debianPackage}): ${error.message}`;
    throw new Error(`Cannot check the models: ${reason}`, { cause: error });
  }
}

/** Runs the search and returns what it printed, whatever its exit status says. */
async function search(directory) {
  const limit = options.full ? SEARCH_LIMIT_MS.full : SEARCH_LIMIT_MS.quick;
  try {
    const { stdout } = await run('./pan', [`-m${DEPTH}`], { cwd: directory, timeout: limit, maxBuffer: 1 << 26 });
    return stdout;
  } catch (error) {
    if (error.stdout === undefined || stopping.signal.aborted) throw error;
    return error.killed ? `${error.stdout}\nstopped after ${limit / 60_000} minutes` : error.stdout;
  }
}

/** What is wrong with a search's output, or null. */
function judge(output, mustBreak) {
  const violated = /^pan:\d+: assertion violated .*$/m.exec(output)?.[0];
  if (mustBreak) return violated === undefined ? 'the missing rule was not noticed' : null;
  if (violated !== undefined) return violated;
  const cut = /max search depth too small|out of memory|reached -DMEMLIM|Search not completed|stopped after.*/.exec(
    output,
  );
  if (cut !== null) return `search incomplete: ${cut[0]}`;
  if (!/^State-vector .* errors: 0$/m.test(output)) return /^pan:\d+:.*$/m.exec(output)?.[0] ?? 'no verdict from Spin';
  return null;
}

/** Small searches are over before an optimising compiler would be. Only the largest need their states compressed. */
const PAN_FLAGS = { small: ['-O0'], large: ['-O1'], full: ['-O2', '-DCOLLAPSE'] };

async function check({ model, flags, broken, size }) {
  const directory = await mkdtemp(join(tmpdir(), 'multiproc-model-'));
  try {
    const defines = flags
      .split(' ')
      .filter(Boolean)
      .map((flag) => `-D${flag}`);
    await run('spin', ['-a', ...defines, join(models, `${model}.pml`)], { cwd: directory });
    const pan = ['-w', '-DSAFETY', `-DMEMLIM=${MEMORY_MIB}`, ...PAN_FLAGS[size]];
    await run('gcc', [...pan, '-o', 'pan', 'pan.c'], { cwd: directory });
    const began = performance.now();
    const output = await search(directory);
    const states = Number(/^\s*([\d.e+]+) states, stored$/m.exec(output)?.[1] ?? NaN);
    return { states, seconds: (performance.now() - began) / 1000, problem: judge(output, broken) };
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function print(configuration, { states, seconds, problem }) {
  const verdict = problem === null ? (configuration.broken ? 'found broken' : 'holds') : `FAILED: ${problem}`;
  const cells = [
    configuration.model.padEnd(4),
    configuration.title.padEnd(44),
    configuration.flags.padEnd(44),
    states.toLocaleString('en').padStart(12),
    seconds.toFixed(1).padStart(7),
    verdict,
  ];
  console.log(cells.join(' | '));
}

async function main() {
  await requireTool('spin', ['-V'], 'spin');
  await requireTool('gcc', ['--version'], 'gcc');
  const queue = configurations.filter(
    ({ model, title, flags, size }) =>
      (options.full || size !== 'full') && `${model} ${title} ${flags}`.includes(options.only),
  );
  if (queue.length === 0)
    throw new Error(`Cannot check the models: no configuration contains ${JSON.stringify(options.only)}`);

  const passed = [];
  const failed = [];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const result = await check(next).catch((error) => ({ states: NaN, seconds: NaN, problem: error.message }));
      print(next, result);
      (result.problem === null ? passed : failed).push(next);
    }
  };
  const stop = () => {
    queue.length = 0;
    stopping.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  console.log('model | configuration | flags | states | seconds | verdict');
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
  console.log(`${passed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
