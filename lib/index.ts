/**
 * Python's `multiprocessing` for Node.js, on shared memory that survives the death of any process.
 *
 * @packageDocumentation
 */
export * from './interface.js';
export { getContext, type Context } from './context.js';
