// @ts-check
// Makes what the package ships: dist/, and the prebuilt addon in prebuilds/linux-<arch>/multiproc.<libc>.node.

import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildLibrary } from './support/build-library.mjs';
import { nodeDirectory } from './support/node-headers.mjs';
import { root } from './support/root.mjs';
import { binOf, runQuietly } from './support/run.mjs';

process.exitCode = buildLibrary() && prebuild() ? 0 : 1;

/**
 * prebuildify builds from scratch and takes the result away. It works on a copy of the sources, so that the checkout
 * keeps its own build, which may be in use.
 */
function prebuild() {
  process.stdout.write('building the addon for the package\n');
  const copy = mkdtempSync(join(tmpdir(), 'multiproc-prebuild-'));
  try {
    for (const part of ['package.json', 'binding.gyp', 'native', 'scripts']) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    rmSync(join(root, 'prebuilds', `${process.platform}-${process.arch}`), { recursive: true, force: true });
    const headers = nodeDirectory();
    return runQuietly(
      process.execPath,
      [
        binOf('prebuildify'),
        ...['--napi', '--strip', '--tag-libc'],
        ...['--target', process.version],
        ...['--cwd', copy, '--out', root],
      ],
      { env: { npm_config_jobs: 'max', ...(headers === undefined ? {} : { npm_config_nodedir: headers }) } },
    );
  } finally {
    rmSync(copy, { recursive: true });
  }
}
