/**
 * Marks this environment as a child, and the worker threads that it will start: to be imported before any module that asks.
 */
import { setEnvironmentData } from 'node:worker_threads';
import { CHILD_MARK } from './child-mark.js';

setEnvironmentData(CHILD_MARK, true);
