/**
 * Python's `multiprocessing` for Node.js, on shared memory that survives the death of any process.
 *
 * @packageDocumentation
 */
import './internal/lifecycle.js';

export {
  AuthenticationError,
  BrokenBarrierError,
  BrokenPipeError,
  BufferTooShort,
  ClosedError,
  CorruptSegmentError,
  DeadlockError,
  DirectionError,
  Empty,
  EOFError,
  ExistsError,
  Full,
  LengthError,
  MultiprocError,
  NoSpaceError,
  KindError,
  LimitError,
  NotFoundError,
  NotTransferableError,
  OverReleaseError,
  OwnerError,
  PermissionError,
  PoisonError,
  RemoteError,
  RetireError,
  ShutDownError,
  StateError,
  SystemError,
  TerminatedError,
  TimeoutError,
  UnsupportedPlatformError,
  VersionError,
  WorkerDiedError,
  type ErrorDetails,
} from './errors.js';
export { attach } from './internal/handle.js';
export { registerClass, type ClassConversion } from './internal/codec/registered-classes.js';
export { type CreateOptions, type SharedObject } from './internal/shared-object.js';
export { type TaskReference } from './internal/task-reference.js';
export { type WaitOptions } from './internal/wait-options.js';

export { Barrier, type BarrierOptions } from './sync/barrier.js';
export { Condition } from './sync/condition.js';
export { type ConditionOptions } from './sync/condition-core.js';
export { Event } from './sync/event.js';
export { type Hold } from './sync/hold.js';
export { Lock } from './sync/lock.js';
export { RLock } from './sync/rlock.js';
export { BoundedSemaphore, Semaphore } from './sync/semaphore.js';
export { type SyncStats } from './sync/sync-object.js';

export {
  SharedArray,
  SharedArray as Array,
  type ArrayItems,
  type ArrayOptions,
  type CharArrayMembers,
  type ElementArrayOf,
  type SharedArrayConstructor,
  type SharedArrayMembers,
  type WideCharArrayMembers,
} from './memory/array.js';
export { type Cell } from './memory/atomic-cell.js';
export {
  type BigIntTypeCode,
  type CharTypeCode,
  type ElementInput,
  type ElementValue,
  type NumberTypeCode,
  type TypeCode,
  type WideCharTypeCode,
} from './memory/element-types.js';
export { type ListItem, type ListValue } from './memory/list-items.js';
export { type LockOption } from './memory/memory-lock.js';
export { ShareableList } from './memory/shareable-list.js';
export { SharedMemory, type SharedMemoryOptions } from './memory/shared-memory.js';
export { struct, type StructFields, type StructInput, type StructType, type StructValue } from './memory/struct.js';
export { Value, type ValueConstructor, type ValueOptions } from './memory/value.js';

export { type CodecName } from './channels/codec-name.js';
export { type BytesLike, Connection, type RecvBytesOptions } from './channels/connection.js';
export { type Job } from './channels/job.js';
export { JoinableQueue } from './channels/joinable-queue.js';
export { type QueueOptions, type QueueStats } from './channels/queue-facade.js';
export { Pipe, type PipeOptions } from './channels/pipe.js';
export { Queue, type ShutdownOptions } from './channels/queue.js';
export { type Message, type Slot } from './channels/raw-messages.js';
export { SimpleQueue } from './channels/simple-queue.js';

export { activeChildren, currentProcess, parentProcess, type ParentProcess } from './processes/current.js';
export { cpuCount, usableCpuCount } from './processes/cpu-count.js';
export { onExit, type ExitHookOptions } from './processes/exit-hooks.js';
export { isMainProcess } from './processes/identity.js';
export { Process, type SignalOptions } from './processes/process.js';
export { type ProcessOptions, type ProcessSettings } from './processes/process-options.js';
export {
  getAllStartMethods,
  getStartMethod,
  setExecutable,
  setStartMethod,
  type StartMethod,
} from './processes/start-method.js';
export { type StdioKind, type StdioOptions } from './processes/stdio.js';
export { task, type Task } from './processes/task.js';
export { wait, waitSync, type WaitableObject } from './processes/wait.js';
