// @ts-check
/** Makes the contenders runnable: installs packages, compiles C++, and says of each why it is not available. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { BUILD_DIRECTORY } from './sample.mjs';

/** @typedef {import('./catalog.mjs').Contender} Contender */

const HERE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = join(HERE, '..');
const STEP_TIMEOUT = 600_000;
const CMAKE_OPTIONS = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DMULTIPROC_FAULT_POINTS=OFF',
  `-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${BUILD_DIRECTORY}`,
];

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    cwd: HERE,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: STEP_TIMEOUT,
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim();
  return { ok: result.status === 0, output: result.error ? result.error.message : output };
}

/** The line of a tool's output that names the trouble. @param {string} output */
function cause(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((one) => /\berror\b/i.test(one)) ?? lines[0] ?? 'no output';
  // Result files are published; where this checkout lies is nobody's business.
  return line.trim().replaceAll(ROOT, '').slice(0, 200);
}

/**
 * Packages whose install scripts may compile use Node's own headers when they lie beside it.
 * @returns {Record<string, string>}
 */
function headers() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node_api.h')) ? { npm_config_nodedir: prefix } : {};
}

/** Installs this folder's packages if they are missing or not those of the lockfile. */
export function installPackages() {
  const installed = join(HERE, 'node_modules/.package-lock.json');
  const wanted = JSON.parse(readFileSync(join(HERE, 'package-lock.json'), 'utf8')).packages;
  if (existsSync(installed)) {
    const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
    const same = Object.keys(present).every((name) => present[name].version === wanted[name]?.version);
    if (same && Object.keys(readPackage().dependencies).every((name) => `node_modules/${name}` in present)) return;
  }
  process.stderr.write('installing the benchmarks’ packages\n');
  const full = run('npm', ['ci', '--no-audit', '--no-fund'], headers());
  if (full.ok) return;
  // A peer that does not compile must not take the others with it; loading it will say what is wrong.
  const partial = run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts']);
  if (!partial.ok) throw new Error(`Cannot install packages: ${cause(partial.output)}`);
  for (const name of Object.keys(readPackage().dependencies)) run('npm', ['rebuild', name], headers());
}

/** @returns {{ dependencies: Record<string, string> }} */
export function readPackage() {
  return JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8'));
}

/** @type {Map<string, string | undefined>} */
const checked = new Map();

/** @param {string} key @param {() => string | undefined} check */
function once(key, check) {
  if (!checked.has(key)) checked.set(key, check());
  return checked.get(key);
}

/** @param {string} name */
function packageProblem(name) {
  return once(`package ${name}`, () => {
    const loaded = run(process.execPath, ['--input-type=module', '-e', `await import('${name}')`]);
    return loaded.ok ? undefined : `${name} does not load: ${cause(loaded.output)}`;
  });
}

function libraryProblem() {
  return once('library', () => {
    if (!existsSync(join(ROOT, 'dist/index.js'))) return 'the library is not built: run npm run build';
    const loaded = run(process.execPath, [join(HERE, 'harness/multiproc.mjs')]);
    return loaded.ok ? undefined : `the library does not load: ${cause(loaded.output)}`;
  });
}

function pythonProblem() {
  return once('python', () => {
    const loaded = run('python3', ['-c', 'import multiprocessing, _multiprocessing']);
    return loaded.ok ? undefined : `python3 has no multiprocessing: ${cause(loaded.output)}`;
  });
}

/** @param {string} program */
function nativeProblem(program) {
  return once(`native ${program}`, () => {
    const configured = once('cmake', () => {
      const result = run('cmake', ['-S', ROOT, '-B', BUILD_DIRECTORY, ...CMAKE_OPTIONS]);
      return result.ok ? undefined : `cmake failed: ${cause(result.output)}`;
    });
    if (configured !== undefined) return configured;
    process.stderr.write(`compiling ${program}\n`);
    const built = run('cmake', ['--build', BUILD_DIRECTORY, '--target', program, '--parallel']);
    return built.ok ? undefined : `${program} does not compile: ${cause(built.output)}`;
  });
}

/** Why a contender cannot run here, or undefined when it can. @param {Contender} contender */
export function problemOf(contender) {
  if (contender.library) {
    const problem = libraryProblem();
    if (problem !== undefined) return problem;
  }
  for (const name of contender.packages ?? []) {
    const problem = packageProblem(name);
    if (problem !== undefined) return problem;
  }
  if (contender.runtime === 'python') return pythonProblem();
  if (contender.runtime === 'native') return nativeProblem(contender.program);
  return undefined;
}

/** Removes the shared memory of killed processes that used the library, and nothing that anybody uses. */
export function sweepOrphans() {
  if (libraryProblem() === undefined) run(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'gc']);
}

/** What the compiled contenders were compiled with, as CMake recorded it. */
export function compilerFacts() {
  const commands = join(BUILD_DIRECTORY, 'compile_commands.json');
  if (!existsSync(commands)) return null;
  /** @type {{ command: string, file: string }[]} */
  const entries = JSON.parse(readFileSync(commands, 'utf8'));
  const entry = entries.find(({ file }) => file.includes('/benchmarks/native/bench_'));
  if (entry === undefined) return null;
  const words = entry.command.split(/\s+/);
  const version = run(words[0] ?? 'c++', ['--version']).output.split('\n', 1)[0];
  return { compiler: version, flags: words.filter((word) => /^-(?!I|o$|c$)/.test(word)).join(' ') };
}
