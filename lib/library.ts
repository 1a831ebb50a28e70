/**
 * All the rest, as one file, `dist/bundle/multiproc.cjs`; with what it takes from the core, these are the public names.
 */
export * from './index.js';
export * as csp from './csp.js';
export { RedisWorkerCrew } from './manager/redis/worker-crew.js';
