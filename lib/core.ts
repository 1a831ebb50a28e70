/**
 * What every child loads before its first line, as one file, `dist/bundle/core.cjs`. The rest is loaded when it is needed.
 */
import './channels/joinable-queue.js';
import './channels/queue.js';
import './processes/pool/pool-worker.js';

export { importBy } from './internal/import-module.js';
export { loadRest, restBy } from './internal/rest.js';
export { runChild } from './processes/child.js';
export { keepCode } from './processes/compiled-code.js';
