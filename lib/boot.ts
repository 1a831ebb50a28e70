/**
 * The main module of every child. Its argument is the handle of the connection to its parent; a thread has its number as the second one.
 */
import { isMainThread } from 'node:worker_threads';
import './processes/become-child.js';
import { loadLibrary } from './load.js';
import { CODE_DESCRIPTOR } from './processes/code-file.js';

// All classes, since any of their objects may be among the arguments.
const [, , handle = '', thread] = process.argv;
if (isMainThread) void loadLibrary(CODE_DESCRIPTOR).runChild(handle);
else void loadLibrary().runChild(handle, Number(thread));
