// @ts-check
// The addon, by node-gyp.

import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nativeHeaders, nativeSources } from './native-sources.mjs';
import { nodeDirectory } from './node-headers.mjs';
import { root } from './root.mjs';
import { binOf, runQuietly } from './run.mjs';
import { fingerprint, Stamp } from './stamp.mjs';

/**
 * What sanitized code is compiled and linked with. Undefined behaviour is a trap, which the runtime for addresses reports: beside it the runtime
 * for undefined behaviour writes to standard error only, where nobody may look.
 */
const SANITIZE = '-fsanitize=address,undefined -fsanitize-undefined-trap-on-error -fno-sanitize=vptr';

/** @returns {boolean} false when the build failed; the compiler's messages have been printed then */
export function buildAddon() {
  return build('.', {});
}

/** The addon that {@link buildSanitizedAddon} builds. */
export const sanitizedAddon = join(root, 'build-address/build/Release/multiproc.node');

/**
 * Builds the addon with the address and undefined behaviour sanitizers, by the same binding.gyp. node-gyp builds beside
 * that file only, so it gets a folder with links to what it reads.
 *
 * @returns {boolean} as {@link buildAddon}
 */
export function buildSanitizedAddon() {
  mkdirSync(join(root, 'build-address'), { recursive: true });
  for (const name of ['binding.gyp', 'native', 'scripts', 'package.json']) {
    const link = join(root, 'build-address', name);
    rmSync(link, { force: true });
    symlinkSync(join('..', name), link);
  }
  return build('build-address', {
    // The last of several levels holds: -O1 compiles in half the time of the -O2 that ships.
    CXXFLAGS: `${SANITIZE} -O1 -g1 -fno-omit-frame-pointer`,
    LDFLAGS: SANITIZE,
  });
}

/**
 * @param {string} folder that binding.gyp lies in, relative to the project's
 * @param {Record<string, string>} env what make adds to the flags
 */
function build(folder, env) {
  const sources = nativeSources();
  const facts = [process.version, process.arch, JSON.stringify(env), ...sources];
  const configuration = fingerprint(['binding.gyp', 'package-lock.json'], facts);
  const content = fingerprint([...sources, ...nativeHeaders()], [configuration]);
  const configured = new Stamp(join(folder, 'build/configured'));
  const built = new Stamp(join(folder, 'build/built'));
  if (built.matches(content) && existsSync(join(root, folder, 'build/Release/multiproc.node'))) return true;

  process.stdout.write(`building the addon${folder === '.' ? '' : ` in ${folder}`}\n`);
  built.remove();
  const nodeGyp = (/** @type {string[]} */ ...args) => runNodeGyp(join(root, folder), env, args);
  if (!configured.matches(configuration)) {
    configured.remove();
    if (!nodeGyp('clean') || !nodeGyp('configure')) return false;
    configured.write(configuration);
  }
  if (!nodeGyp('build', '--jobs', String(availableParallelism()))) return false;
  built.write(content);
  return true;
}

/**
 * @param {string} cwd
 * @param {Record<string, string>} env
 * @param {readonly string[]} args
 */
function runNodeGyp(cwd, env, [command = '', ...args]) {
  const headers = nodeDirectory();
  const where = headers === undefined ? [] : [`--nodedir=${headers}`];
  return runQuietly(process.execPath, [binOf('node-gyp'), command, '--silent', ...where, ...args], { cwd, env });
}
