// @ts-check
// The addon, by node-gyp.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nativeHeaders, nativeSources } from './native-sources.mjs';
import { nodeDirectory } from './node-headers.mjs';
import { root } from './root.mjs';
import { binOf, runQuietly } from './run.mjs';
import { fingerprint, Stamp } from './stamp.mjs';

/** @returns {boolean} false when the build failed; the compiler's messages have been printed then */
export function buildAddon() {
  const sources = nativeSources();
  const facts = [process.version, process.arch, ...sources];
  const configuration = fingerprint(['binding.gyp', 'package-lock.json'], facts);
  const content = fingerprint([...sources, ...nativeHeaders()], [configuration]);
  const configured = new Stamp('build/configured');
  const built = new Stamp('build/built');
  if (built.matches(content) && existsSync(join(root, 'build/Release/multiproc.node'))) return true;

  process.stdout.write('building the addon\n');
  built.remove();
  if (!configured.matches(configuration)) {
    configured.remove();
    if (!runNodeGyp('clean') || !runNodeGyp('configure')) return false;
    configured.write(configuration);
  }
  if (!runNodeGyp('build', '--jobs', String(availableParallelism()))) return false;
  built.write(content);
  return true;
}

/** @param {string[]} args */
function runNodeGyp(...args) {
  const [command = '', ...rest] = args;
  const headers = nodeDirectory();
  const where = headers === undefined ? [] : [`--nodedir=${headers}`];
  return runQuietly(process.execPath, [binOf('node-gyp'), command, '--silent', ...where, ...rest], { cwd: root });
}
