// @ts-check
// The TypeScript library: lib/ to dist/.

import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLES } from './bundles.mjs';
import { root } from './root.mjs';
import { binOf, runQuietly } from './run.mjs';
import { filesBelow, fingerprint, Stamp } from './stamp.mjs';

const OUTPUT = /\.(?:d\.ts|js)$/;
const INPUTS = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/support/bundle-library.mjs',
  'scripts/support/bundles.mjs',
];

/** @returns {boolean} false when the build failed; the compiler's messages have been printed then */
export function buildLibrary() {
  const sources = filesBelow('lib');
  const print = fingerprint([...sources, ...INPUTS]);
  const built = new Stamp('build/library');
  const wanted = new Set(
    sources.flatMap((file) => ['.js', '.d.ts'].map((ending) => file.replace(/^lib/, 'dist').replace(/\.ts$/, ending))),
  );
  for (const file of BUNDLES) wanted.add(`dist/${file}`);
  if (built.matches(print) && [...wanted].every((file) => existsSync(join(root, file)))) return true;

  process.stdout.write('building the library\n');
  built.remove();
  if (!runQuietly(process.execPath, [binOf('typescript-7', 'tsc'), '-p', 'tsconfig.build.json'])) return false;
  // What a removed source left behind would still be importable, and would be packed.
  for (const file of filesBelow('dist')) {
    if (OUTPUT.test(file) && !wanted.has(file)) rmSync(join(root, file));
  }
  if (!runQuietly(process.execPath, ['scripts/support/bundle-library.mjs'])) return false;
  const command = join(root, 'dist/cli/main.js');
  if (existsSync(command)) chmodSync(command, 0o755);
  built.write(print);
  return true;
}
