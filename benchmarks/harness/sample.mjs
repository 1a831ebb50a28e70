// @ts-check
/** Starts one sample in processes of its own, under a watchdog, and leaves nothing behind. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./catalog.mjs').Contender} Contender */
/** @typedef {import('./report.mjs').SampleReport} SampleReport */

const HERE = fileURLToPath(new URL('..', import.meta.url));
const ERROR_TAIL = 600;

/** Where the compiled contenders lie. */
export const BUILD_DIRECTORY = join(HERE, '../build-cmake/benchmarks');

/** @param {Contender} contender @param {Record<string, unknown>} spec @returns {[string, string[]]} */
function commandOf(contender, spec) {
  switch (contender.runtime) {
    case 'node':
      return [process.execPath, [join(HERE, 'contenders', contender.program), JSON.stringify(spec)]];
    case 'python':
      return ['python3', ['-B', join(HERE, 'python', contender.program), JSON.stringify(spec)]];
    case 'native':
      return [join(BUILD_DIRECTORY, contender.program), Object.entries(spec).map(([key, value]) => `${key}=${value}`)];
  }
}

/** @param {string} output @returns {SampleReport} */
function parseReport(output) {
  const line = output.trimEnd().split('\n').pop() ?? '';
  /** @type {SampleReport} */
  let report;
  try {
    report = JSON.parse(line);
  } catch {
    throw new Error(`Cannot read sample: last line is ${JSON.stringify(line.slice(0, 200))}`);
  }
  const figures = [report.elapsedNs, report.count, ...Object.values(report.metrics)];
  if (!figures.every(Number.isFinite)) throw new Error(`Cannot read sample: not all figures are numbers: ${line}`);
  return report;
}

/** Ends every process of the group that one of our samples leads. @param {number | undefined} leader */
function killGroup(leader) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/** @type {number | undefined} */
let running;
process.on('exit', () => killGroup(running));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => process.exit(1));

/**
 * Runs one sample.
 * @param {Contender} contender
 * @param {Record<string, unknown>} parameters of the case, with the count
 * @param {number} timeout milliseconds after which all its processes are killed and the sample fails
 * @returns {Promise<SampleReport>}
 */
export async function runSample(contender, parameters, timeout) {
  const scratch = mkdtempSync(join(tmpdir(), 'multiproc-bench-'));
  const [command, args] = commandOf(contender, { ...parameters, ...contender.spec, scratch });
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  running = child.pid;
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors = (errors + text).slice(-ERROR_TAIL)));
  let expired = false;
  const watchdog = setTimeout(() => {
    expired = true;
    killGroup(child.pid);
  }, timeout);
  try {
    /** @type {[number | null, string | null]} */
    const [code, signal] = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (...status) => resolve(status));
    });
    if (expired) throw new Error(`Cannot finish sample: not done after ${timeout} ms. ${errors}`.trimEnd());
    if (code !== 0) throw new Error(`Cannot finish sample: ended with ${signal ?? code}. ${errors}`.trimEnd());
    return parseReport(output);
  } finally {
    clearTimeout(watchdog);
    killGroup(child.pid);
    running = undefined;
    rmSync(scratch, { recursive: true, force: true });
    // The one peer that names its shared memory after the scratch directory, if it was killed before it could unlink.
    rmSync(join('/dev/shm', basename(scratch)), { force: true });
  }
}
