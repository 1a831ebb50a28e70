// @ts-check
// Starting other programs from the scripts, without a shell.

import { execFile, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root } from './root.mjs';

const require = createRequire(import.meta.url);

/**
 * @typedef {object} RunOptions
 * @property {NodeJS.ProcessEnv} [env] added to this process's environment
 * @property {string} [cwd] default: the project's folder
 * @property {number} [timeout] milliseconds; default: an hour
 */

const AN_HOUR = 60 * 60_000;
/** Bytes that are kept of what a program prints. */
const MOST_OUTPUT = 256 * 1024 * 1024;

/**
 * Runs a program whose output the reader sees at once.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {boolean} whether it ended with 0
 */
export function run(command, args, options = {}) {
  return start(command, args, options, 'inherit').status === 0;
}

/**
 * Runs a program beside others; its output is printed when it has ended, in one piece.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {Promise<boolean>} whether it ended with 0
 */
export async function runAside(command, args) {
  const options = {
    cwd: root,
    timeout: AN_HOUR,
    killSignal: /** @type {const} */ ('SIGKILL'),
    maxBuffer: MOST_OUTPUT,
  };
  const { ok, text } = await new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      resolve({ ok: error === null, text: `${stdout}${stderr}` });
    });
  });
  process.stdout.write(text);
  return ok;
}

/**
 * Runs a program whose output matters only when it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {boolean} whether it ended with 0; the output is printed if not
 */
export function runQuietly(command, args, options = {}) {
  const result = start(command, args, options, 'pipe');
  if (result.status === 0) return true;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  process.stderr.write(`${command} ${args.join(' ')}: ${ending(result)}\n`);
  return false;
}

/**
 * Runs a program for what it prints.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {string} its standard output
 * @throws {Error} with its standard error, when it does not end with 0
 */
export function output(command, args, options = {}) {
  const result = start(command, args, options, 'pipe');
  if (result.status === 0) return result.stdout;
  throw new Error(`${command} ${args.join(' ')}: ${ending(result)}\n${result.stdout}${result.stderr}`);
}

/**
 * The script behind a command of an installed package, to be run by this very Node.
 *
 * @param {string} packageName
 * @param {string} [command] default: the package's name
 */
export function binOf(packageName, command = packageName) {
  const manifestPath = join(root, 'node_modules', packageName, 'package.json');
  const { bin } = require(manifestPath);
  return join(dirname(manifestPath), typeof bin === 'string' ? bin : bin[command]);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} options
 * @param {'inherit' | 'pipe'} stdio
 */
function start(command, args, { env, cwd = root, timeout = AN_HOUR }, stdio) {
  return spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    timeout,
    killSignal: 'SIGKILL',
    stdio: ['ignore', stdio, stdio],
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
  });
}

/** @param {import('node:child_process').SpawnSyncReturns<string>} result */
function ending({ error, signal, status }) {
  return error ? error.message : signal ? `ended by ${signal}` : `exit code ${status}`;
}
