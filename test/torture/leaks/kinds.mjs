// @ts-check
// One maker for each kind of shared object, and for each kind of segment that it may lie in.
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  JoinableQueue,
  Lock,
  Queue,
  RLock,
  Semaphore,
  SharedArray,
  ShareableList,
  SharedMemory,
  SimpleQueue,
  struct,
  Value,
} from 'multiproc';

/** @typedef {import('multiproc').SharedObject} SharedObject */
/** @typedef {(options?: { name: string }) => SharedObject} Maker */

const point = struct({ x: 'd', y: 'i' });

/** @type {Readonly<Record<string, Maker>>} */
export const kinds = {
  Lock: (options) => new Lock(options),
  RLock: (options) => new RLock(options),
  Semaphore: (options) => new Semaphore(1, options),
  BoundedSemaphore: (options) => new BoundedSemaphore(1, options),
  Condition: (options) => new Condition(options),
  Event: (options) => new Event(options),
  Barrier: (options) => new Barrier(2, options),
  'Value, number': (options) => new Value('i', 1, options),
  'Value, struct': (options) => new Value(point, { x: 1, y: 2 }, options),
  'Array, small': (options) => new SharedArray('d', 10, options),
  'Array, large': (options) => new SharedArray('d', 20_000, options),
  ShareableList: (options) => new ShareableList([1, 'two', null], options),
  SharedMemory: (options) => new SharedMemory({ size: 10_000, ...options }),
  Queue: (options) => new Queue(options),
  SimpleQueue: (options) => new SimpleQueue(options),
  JoinableQueue: (options) => new JoinableQueue(options),
};
