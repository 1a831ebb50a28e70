/**
 * The main module of every child. Its argument is the handle of the connection to its parent; a thread has its number as the second one.
 */
import { isMainThread } from 'node:worker_threads';
import './processes/become-child.js';
import { loadCore } from './load.js';
import { CODE_DESCRIPTOR } from './processes/code-file.js';

const [, , handle = '', thread] = process.argv;
if (isMainThread) void loadCore(CODE_DESCRIPTOR).runChild(handle);
else void loadCore().runChild(handle, Number(thread));
