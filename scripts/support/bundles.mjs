// @ts-check
// The files made by bundle-library.mjs, beside the declarations that the compiler makes.

export const BUNDLES = [
  'bundle/core.cjs',
  'bundle/multiproc.cjs',
  'load.cjs',
  'boot.cjs',
  'index.js',
  'csp.js',
  'cli/main.js',
];
