// @ts-check
// What is shipped of the library: few files instead of a hundred modules, since a child loads them all before its first line.
//
//   dist/bundle/multiproc.cjs   everything; CommonJS, which Node loads in half the time of an ES module
//   dist/load.cjs               what loads it
//   dist/index.js, dist/csp.js  the public names, as ES modules
//   dist/boot.cjs               the main module of children
//   dist/cli/main.js            the command line tool

import { buildSync } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './root.mjs';

/** Where import.meta is not, what it would say. */
const MODULE_URL = "const moduleUrl = require('node:url').pathToFileURL(__filename).href;";

/** @type {import('esbuild').BuildOptions} */
const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  charset: 'ascii',
  write: false,
  logLevel: 'warning',
};

/** @type {import('esbuild').BuildOptions} */
const COMMON_JS = {
  ...COMMON,
  format: 'cjs',
  sourcemap: 'linked',
  define: { 'import.meta.url': 'moduleUrl' },
};

/** The files made here, beside the declarations that the compiler makes. */
export const BUNDLES = ['bundle/multiproc.cjs', 'load.cjs', 'boot.cjs', 'index.js', 'csp.js', 'cli/main.js'];

export function bundleLibrary() {
  emit('lib/library.ts', 'dist/bundle/multiproc.cjs', { ...COMMON_JS, banner: { js: `${notice()}\n${MODULE_URL}` } });
  emit('lib/load.ts', 'dist/load.cjs', { ...COMMON_JS, banner: { js: MODULE_URL } });
  emit('lib/boot.ts', 'dist/boot.cjs', { ...COMMON_JS, banner: { js: MODULE_URL } });
  emit('lib/cli/main.ts', 'dist/cli/main.js', { ...COMMON, format: 'esm' });
  writeFileSync(join(root, 'dist/index.js'), entry('index', 'loadLibrary()'));
  writeFileSync(join(root, 'dist/csp.js'), entry('csp', 'loadLibrary().csp'));
}

/**
 * @param {string} source
 * @param {string} result
 * @param {import('esbuild').BuildOptions} options
 */
function emit(source, result, options) {
  const { outputFiles = [] } = buildSync({ ...options, entryPoints: [source], outfile: result });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path.endsWith('.map') ? text : withNames(text).replace(NOT_ASCII, '.'));
  }
}

/** What is left of it is in comments. A text of bytes is half as long to the engine. */
const NOT_ASCII = /[^\0-\x7f]/g;

/** A class that speaks of itself gets a second name from the bundler, which users would see: in errors, and as names of processes. */
function withNames(/** @type {string} */ text) {
  for (const [, outer = '', inner = ''] of text.matchAll(/\bvar (\w+) = class (?!extends\b)(\w+)/g)) {
    if (inner !== `_${outer}`) throw new Error(`Cannot bundle: class ${inner} is in conflict with another one`);
    text = text.replaceAll(new RegExp(`\\b${inner}\\b`, 'g'), outer);
  }
  return text;
}

/** The names, read where the compiler would find them. */
function entry(/** @type {string} */ module, /** @type {string} */ source) {
  const { metafile } = buildSync({
    ...COMMON,
    format: 'esm',
    metafile: true,
    entryPoints: [`lib/${module}.ts`],
    outfile: `dist/${module}.js`,
  });
  const names = Object.values(metafile.outputs).flatMap((output) => output.exports);
  return [
    "import { createRequire } from 'node:module';",
    '',
    '// One file and one copy of it, also for whoever uses `require`, and for children.',
    "const { loadLibrary } = createRequire(import.meta.url)('./load.cjs');",
    `export const { ${names.sort().join(', ')} } = ${source};`,
    '',
  ].join('\n');
}

/** The licence of the code that is not ours. */
function notice() {
  const text = readFileSync(join(root, 'node_modules/msgpackr/LICENSE'), 'utf8').trim();
  return `/*! Contains msgpackr.\n\n${text}\n*/`;
}
