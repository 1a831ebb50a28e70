// @ts-check
// Node binaries of other versions, which npm carries as packages.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/support/root.mjs';
import { output } from '../../scripts/support/run.mjs';

/** One of each line that is supported. */
export const NODE_VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/**
 * @param {string} version
 * @returns {string} path of the binary; downloaded at the first call, kept in .cache/
 */
export function nodeBinary(version) {
  const folder = join(root, '.cache', `node-${version}`);
  const name = `node-linux-${process.arch}`;
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
    output('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`], {
      cwd: folder,
    });
  }
  const answer = output(binary, ['--version']).trim();
  if (answer !== `v${version}`) throw new Error(`Cannot use ${binary}: it says ${answer}, wanted v${version}`);
  return binary;
}
