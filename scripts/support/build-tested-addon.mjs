// @ts-check
// The addon with fault points, which only tests load (MULTIPROC_NATIVE_PATH). It is never packed.

import { join } from 'node:path';
import { root } from './root.mjs';
import { binOf, runQuietly } from './run.mjs';

const FOLDER = join(root, 'build-cmake/fault');

/** @returns {string | undefined} the file; undefined when the build failed, and then the compiler's messages have been printed */
export function buildFaultAddon() {
  const built = runQuietly(process.execPath, [
    binOf('cmake-js'),
    'build',
    '--prefer-make',
    ...['--out', FOLDER],
    ...['--target', 'multiproc_fault'],
    // Two, since others may be at work.
    ...['--parallel', '2'],
  ]);
  return built ? join(FOLDER, 'Release/multiproc_fault.node') : undefined;
}
