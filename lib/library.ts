/**
 * All that is loaded at once, as one file, `dist/bundle/multiproc.cjs`: the public names, and what a child runs.
 */
export * from './index.js';
export * as csp from './csp.js';
export { importBy } from './internal/import-module.js';
export { runChild } from './processes/child.js';
export { keepCode } from './processes/compiled-code.js';
export { RedisWorkerCrew } from './manager/redis/worker-crew.js';
