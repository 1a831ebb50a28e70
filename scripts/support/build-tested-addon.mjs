// @ts-check
// Addons that only tests load (MULTIPROC_NATIVE_PATH), built by CMake. They are never packed.

import { join } from 'node:path';
import { root } from './root.mjs';
import { binOf, runQuietly } from './run.mjs';

const FOLDER = join(root, 'build-cmake/addons');

/**
 * With the points at which a test may kill the process.
 *
 * @returns {string | undefined} the file; undefined when the build failed, and then the compiler's messages have been printed
 */
export function buildFaultAddon() {
  return build('multiproc_fault');
}

/**
 * With the sanitizers for addresses and undefined behaviour; it loads into a process that has their runtime already.
 *
 * @returns {string | undefined} as {@link buildFaultAddon}
 */
export function buildSanitizedAddon() {
  return build('multiproc_sanitized');
}

/** @param {string} target */
function build(target) {
  process.stdout.write(`building ${target}\n`);
  const built = runQuietly(process.execPath, [
    binOf('cmake-js'),
    'build',
    '--prefer-make',
    ...['--out', FOLDER],
    ...['--target', target],
    // Two, since others may be at work.
    ...['--parallel', '2'],
  ]);
  return built ? join(FOLDER, `Release/${target}.node`) : undefined;
}
