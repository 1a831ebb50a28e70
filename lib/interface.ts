/**
 * All public names but `getContext`, which gives them too.
 */
import './internal/lifecycle.js';

export {
  AuthenticationError,
  BrokenBarrierError,
  BrokenPipeError,
  BufferTooShort,
  BuildMismatchError,
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
export { SharedMap, type MapStats, type SharedMapOptions } from './memory/shared-map.js';
export { SharedMemory, type SharedMemoryOptions } from './memory/shared-memory.js';
export { struct, type StructFields, type StructInput, type StructType, type StructValue } from './memory/struct.js';
export { Value, type ValueConstructor, type ValueOptions } from './memory/value.js';

export { type CodecName } from './channels/codec-name.js';
export { type BytesLike, type RecvBytesOptions } from './channels/bytes.js';
export { Connection } from './channels/connection.js';
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
export { AsyncResult } from './processes/pool/async-result.js';
export {
  type ApplyOptions,
  type CallOptions,
  type ImapOptions,
  type MapOptions,
  type Progress,
} from './processes/pool/call-options.js';
export { ImapIterator } from './processes/pool/imap-iterator.js';
export { Pool } from './processes/pool/pool.js';
export { type PoolTask } from './processes/pool/pool-core.js';
export { type PoolOptions } from './processes/pool/pool-options.js';
export { type PoolStats, type TimeHistogram, type WorkerStats } from './processes/pool/pool-stats.js';
export { type LogLevel, type LogLevelName } from './processes/log-levels.js';
export { getLogger, type LogHandler, type Logger, type LogRecord, logToStderr } from './processes/logger.js';
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

export {
  type DictItems,
  type Managed,
  type ManagedArray,
  type ManagedAsyncResult,
  type ManagedBarrier,
  type ManagedCondition,
  type ManagedDict,
  type ManagedEvent,
  type ManagedHold,
  type ManagedJob,
  type ManagedJoinableQueue,
  type ManagedKey,
  type ManagedList,
  type ManagedLock,
  type ManagedNamespace,
  type ManagedObjects,
  type ManagedPool,
  type ManagedQueue,
  type ManagedRLock,
  type ManagedSemaphore,
  type ManagedSet,
  type ManagedTask,
  type ManagedValue,
} from './manager/interfaces.js';
export { Manager, type ManagerOptions } from './manager/manager.js';
export { DictProxy } from './manager/proxies/dict-proxy.js';
export { ListProxy } from './manager/proxies/list-proxy.js';
export { NamespaceProxy } from './manager/proxies/namespace-proxy.js';
export { AsyncResultProxy, PoolProxy } from './manager/proxies/pool-proxies.js';
export { BaseProxy } from './manager/proxies/proxy.js';
export { JoinableQueueProxy, QueueProxy } from './manager/proxies/queue-proxies.js';
export { type Remote } from './manager/proxies/remote-object.js';
export { SetProxy } from './manager/proxies/set-proxy.js';
export { BarrierProxy, ConditionProxy, EventProxy, LockProxy, SemaphoreProxy } from './manager/proxies/sync-proxies.js';
export { ArrayProxy, ValueProxy } from './manager/proxies/value-proxies.js';
export { type Registration } from './manager/registration.js';
export { type ManagerStats } from './manager/server.js';
export { SharedMemoryManager } from './manager/shared-memory-manager.js';
export { type StartOptions, SyncManager, type SyncManagerOptions } from './manager/sync-manager.js';
export { type Address, type AddressFamily } from './manager/address.js';
export { Client, type ClientOptions } from './manager/client.js';
export { type ConnectionOptions } from './manager/connection-options.js';
export { Listener, type ListenerOptions } from './manager/listener.js';
export { SocketConnection } from './manager/socket-connection.js';
export { type RedisManager, type RedisManagerOptions } from './manager/redis/manager.js';
export { type ModuleBuild } from './manager/redis/build.js';
export { type RedisPoolOptions } from './manager/redis/pool-making.js';
export { type RedisWorkerFacts } from './manager/redis/pool-workers.js';
export { type RedisAsyncResult } from './manager/redis/redis-async-result.js';
export { type RedisCondition } from './manager/redis/redis-condition.js';
export { type RedisPool, type RedisPoolStats } from './manager/redis/redis-pool.js';
export { type RedisArray } from './manager/redis/redis-array.js';
export { type RedisBarrier } from './manager/redis/redis-barrier.js';
export { type RedisDict, type RedisNamespace, type RedisSet } from './manager/redis/redis-dict.js';
export { type RedisEvent } from './manager/redis/redis-event.js';
export { type RedisList } from './manager/redis/redis-list.js';
export { type RedisHold, type RedisLock, type RedisRLock } from './manager/redis/redis-lock.js';
export { type RedisObject } from './manager/redis/redis-object.js';
export { type RedisJob, type RedisJoinableQueue, type RedisQueue } from './manager/redis/redis-queue.js';
export { type RedisSemaphore } from './manager/redis/redis-semaphore.js';
export { type RedisValue } from './manager/redis/redis-value.js';
