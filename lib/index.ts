/**
 * Python's `multiprocessing` for Node.js, on shared memory that survives the death of any process.
 *
 * @packageDocumentation
 */
import './internal/lifecycle.js';

export * from './errors.js';
export { attach } from './internal/handle.js';
export { registerClass, type ClassConversion } from './internal/codec/registered-classes.js';
export { type CreateOptions, type SharedObject } from './internal/shared-object.js';
export { type TaskReference } from './internal/task-reference.js';
export { type WaitOptions } from './internal/wait-options.js';

export { Barrier, type BarrierOptions } from './sync/barrier.js';
export { Condition, type ConditionOptions } from './sync/condition.js';
export { Event } from './sync/event.js';
export { type Hold } from './sync/hold.js';
export { Lock } from './sync/lock.js';
export { RLock } from './sync/rlock.js';
export { BoundedSemaphore, Semaphore } from './sync/semaphore.js';
export { type SyncStats } from './sync/sync-object.js';

export { SharedArray, SharedArray as Array } from './memory/array.js';
export { ShareableList } from './memory/shareable-list.js';
export { SharedMemory } from './memory/shared-memory.js';
export { struct } from './memory/struct.js';
export { Value } from './memory/value.js';

export { task, type Task } from './processes/task.js';
