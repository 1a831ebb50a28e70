// @ts-check
// The package as a stranger gets it: packed, listed, and installed into an empty project.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/support/root.mjs';
import { binOf, output, run } from '../../scripts/support/run.mjs';

const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** What may be in the package; everything else is a mistake in `files`. */
const EXPECTED = [
  /^package\.json$/,
  /^(?:README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^dist\/[-\w/]+\.d\.ts$/,
  /^dist\/(?:(?:index|csp)\.js|cli\/main\.js)$/,
  /^dist\/(?:load|boot|bundle\/(?:core|multiproc))\.cjs(?:\.map)?$/,
  /^prebuilds\/linux-(?:x64|arm64)\/multiproc\.(?:glibc|musl)\.node$/,
];

/** What must be in it besides. */
const REQUIRED = [
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/csp.js',
  'dist/csp.d.ts',
  'dist/bundle/core.cjs',
  'dist/bundle/multiproc.cjs',
  'dist/load.cjs',
  'dist/boot.cjs',
  'dist/cli/main.js',
];

/**
 * Runs `npm pack`.
 *
 * @returns {{ tarball: string, folder: string }} the file, and the folder it is in, which goes when this process ends
 */
export function pack() {
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-package-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  output('npm', ['pack', '--pack-destination', folder]);
  const [name, ...others] = readdirSync(folder);
  if (name === undefined || others.length > 0) throw new Error(`npm pack left ${[name, ...others].join(', ')}`);
  return { tarball: join(folder, name), folder };
}

/**
 * @param {string} tarball
 * @returns {string[]} one line for each file that is in the package and should not be, or the other way round
 */
export function wrongContents(tarball) {
  const files = output('tar', ['--list', '--gzip', '--file', tarball])
    .trim()
    .split('\n')
    .map((file) => file.replace(/^package\//, ''));
  const libc = readdirSync(join(root, 'prebuilds', `linux-${process.arch}`));
  const required = [...REQUIRED, ...libc.map((file) => `prebuilds/linux-${process.arch}/${file}`)];
  return [
    ...(libc.length > 0 ? [] : ['missing: a prebuilt addon']),
    ...required.filter((file) => !files.includes(file)).map((file) => `missing: ${file}`),
    ...files.filter((file) => !EXPECTED.some((pattern) => pattern.test(file))).map((file) => `not needed: ${file}`),
  ];
}

/** The newest glibc that the prebuilt addon may ask for: RHEL 9, Ubuntu 22.04 and Debian 12 have it. */
const NEWEST_GLIBC = [2, 34];

/** @returns {string[]} one line for each prebuilt addon that would not load on an older system than it should */
export function tooNewSymbols() {
  const folder = `prebuilds/linux-${process.arch}`;
  return readdirSync(join(root, folder)).flatMap((file) => {
    const table = output('objdump', ['--dynamic-syms', join(folder, file)]);
    const versions = [...table.matchAll(/\bGLIBC_(\d+)\.(\d+)[\d.]*\)?\s+(\S+)/g)].map(([, major, minor, symbol]) => ({
      major: Number(major),
      minor: Number(minor),
      symbol,
    }));
    const [newestMajor = 0, newestMinor = 0] = NEWEST_GLIBC;
    return versions
      .filter(({ major, minor }) => major > newestMajor || (major === newestMajor && minor > newestMinor))
      .map(({ major, minor, symbol }) => `${folder}/${file}: ${symbol} needs glibc ${major}.${minor}`);
  });
}

/**
 * Installs the tarball, without install scripts, into an empty project beside it.
 *
 * @param {{ tarball: string, folder: string }} packed
 * @returns {string} the project's folder
 */
export function installConsumer({ tarball, folder }) {
  const project = join(folder, 'consumer');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const nodeTypes = `@types/node@${devDependencies['@types/node']}`;
  output('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball, nodeTypes], { cwd: project });
  cpSync(join(root, 'test/package/consumer'), project, { recursive: true });
  return project;
}

/**
 * @param {string} project
 * @returns {boolean} whether its TypeScript compiles, with the compilers of both lines
 */
export function compileConsumer(project) {
  return ['typescript-7', 'typescript'].every((compiler) =>
    run(process.execPath, [binOf(compiler, 'tsc'), '-p', project]),
  );
}
