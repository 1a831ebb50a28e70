// @ts-check
// What is shipped of the library: few files instead of a hundred modules, since a child loads what it needs before its first line.
//
//   node scripts/support/bundle-library.mjs
//
//   dist/bundle/core.cjs        what every child needs; CommonJS, which Node loads in half the time of an ES module
//   dist/bundle/multiproc.cjs   the rest, which takes the modules of the core from there
//   dist/load.cjs               what loads them
//   dist/index.js, dist/csp.js  the public names, as ES modules
//   dist/boot.cjs               the main module of children
//   dist/cli/main.js            the command line tool

import { build } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
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

/** What is left of it is in comments. A text of bytes is half as long to the engine. */
const NOT_ASCII = /[^\0-\x7f]/g;

const core = await coreModules();
await emit('dist/bundle/core.cjs', {
  ...COMMON_JS,
  stdin: { contents: coreSource(), resolveDir: root, loader: 'ts' },
  banner: { js: `${notice()}\n${MODULE_URL}` },
});
await emit('dist/bundle/multiproc.cjs', {
  ...COMMON_JS,
  entryPoints: ['lib/library.ts'],
  plugins: [fromCore()],
  banner: { js: `const core = require('./core.cjs').modules();\n${MODULE_URL}` },
});
await emit('dist/load.cjs', { ...COMMON_JS, entryPoints: ['lib/load.ts'], banner: { js: MODULE_URL } });
await emit('dist/boot.cjs', { ...COMMON_JS, entryPoints: ['lib/boot.ts'], banner: { js: MODULE_URL } });
await emit('dist/cli/main.js', { ...COMMON, entryPoints: ['lib/cli/main.ts'], format: 'esm' });
writeFileSync(join(root, 'dist/index.js'), await entry('index', 'loadLibrary()'));
writeFileSync(join(root, 'dist/csp.js'), await entry('csp', 'loadLibrary().csp'));

/**
 * The modules that the core consists of, with the names that they export.
 *
 * @returns {Promise<Map<string, readonly string[]>>}
 */
async function coreModules() {
  const { metafile } = await build({ ...COMMON_JS, entryPoints: ['lib/core.ts'], outfile: 'core.cjs', metafile: true });
  const modules = Object.keys(metafile.inputs).filter((path) => path.startsWith('lib/') && path !== 'lib/core.ts');
  const { metafile: each } = await build({
    ...COMMON,
    define: { 'import.meta.url': "''" },
    format: 'esm',
    entryPoints: modules,
    outdir: 'modules',
    metafile: true,
  });
  /** @type {Map<string, readonly string[]>} */
  const names = new Map();
  for (const { entryPoint = '', exports } of Object.values(each.outputs)) names.set(entryPoint, exports);
  return names;
}

/** The core's own names, and all of its modules for the rest: made there, since a child may never need them. */
function coreSource() {
  const modules = [...core.keys()];
  return [
    "export * from './lib/core.ts';",
    ...modules.map((path, n) => `import * as m${n} from './${path}';`),
    'export const modules = () => ({',
    // Plain properties: those of a namespace are computed each time.
    ...modules.map((path, n) => `  '${path}': { ...m${n} },`),
    '});',
  ].join('\n');
}

/** Takes the modules of the core from there. @returns {import('esbuild').Plugin} */
function fromCore() {
  return {
    name: 'from core',
    setup({ onLoad }) {
      onLoad({ filter: /./ }, ({ path: file }) => {
        const path = relative(root, file);
        const names = core.get(path);
        if (names !== undefined) return { contents: `export const { ${names.join(', ')} } = core['${path}'];` };
        if (path.startsWith('lib/')) return undefined;
        throw new Error(
          `Cannot bundle: ${path} belongs in the core, which alone contains packages: twice, it would have its state twice`,
        );
      });
    },
  };
}

/**
 * @param {string} result
 * @param {import('esbuild').BuildOptions} options
 */
async function emit(result, options) {
  const { outputFiles = [] } = await build({ ...options, outfile: result });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, path.endsWith('.map') ? text : withNames(text).replace(NOT_ASCII, '.'));
  }
}

/** A class that speaks of itself gets a second name from the bundler, which users would see: in errors, and as names of processes. */
function withNames(/** @type {string} */ text) {
  for (const [, outer = '', inner = ''] of text.matchAll(/\bvar (\w+) = class (?!extends\b)(\w+)/g)) {
    if (inner !== `_${outer}`) throw new Error(`Cannot bundle: class ${inner} is in conflict with another one`);
    text = text.replaceAll(new RegExp(`\\b${inner}\\b`, 'g'), outer);
  }
  return text;
}

/** The names, read where the compiler would find them. */
async function entry(/** @type {string} */ module, /** @type {string} */ source) {
  const { metafile } = await build({
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
