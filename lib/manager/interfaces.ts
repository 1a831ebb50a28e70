/**
 * What a manager's objects offer, whoever keeps them: the manager's own process, or an engine such as Redis.
 *
 * Every operation returns a promise and may fail with BrokenPipeError (ERR_MULTIPROC_BROKEN_PIPE) when who keeps the object is gone. Values are copies: what was
 * got is changed by putting it back. Waiting operations take {@link WaitOptions} last; who gives up a wait has taken nothing.
 */
import type { WaitOptions } from '../internal/wait-options.js';
import type { TypeCode } from '../memory/element-types.js';
import type { TaskReference } from '../internal/task-reference.js';

/** What all managed objects have. */
export interface Managed extends Disposable {
  /** Text that `attach()` takes in any process that can reach the manager. */
  readonly handle: string;
  readonly closed: boolean;
  /** Lets go of the object in this process. */
  close(): void;
  /** The contents as they were last known here. Never throws, never waits. */
  toString(): string;
}

/** `null`, texts, numbers and the like: what is compared by its value. */
export type ManagedKey = string | number | bigint | boolean | null;

/** A list. Negative places count from the end. */
export interface ManagedList<T = unknown> extends Managed, AsyncIterable<T> {
  append(item: T): Promise<void>;
  extend(items: Iterable<T>): Promise<void>;
  insert(index: number, item: T): Promise<void>;
  /** @throws RangeError when there is nothing at that place. */
  pop(index?: number): Promise<T>;
  /** Removes the first one that is deeply equal. @throws NotFoundError. */
  remove(item: T): Promise<void>;
  /** @throws NotFoundError. */
  index(item: T, start?: number, stop?: number): Promise<number>;
  count(item: T): Promise<number>;
  reverse(): Promise<void>;
  /** Numbers by size, texts by their characters. @throws TypeError for what has no order, and nothing was moved. */
  sort(options?: { readonly reverse?: boolean | undefined }): Promise<void>;
  clear(): Promise<void>;
  slice(start?: number, end?: number): Promise<T[]>;
  /** `undefined` where there is nothing. */
  at(index: number): Promise<T | undefined>;
  /** @throws RangeError when there is nothing at that place. */
  set(index: number, item: T): Promise<void>;
  length(): Promise<number>;
  value(): Promise<T[]>;
}

/** What a dict can be made of. */
export type DictItems<K extends ManagedKey = ManagedKey, V = unknown> =
  | Iterable<readonly [K, V]>
  | Readonly<Record<string, V>>;

/** A dict: keys in the order in which they came. */
export interface ManagedDict<K extends ManagedKey = string, V = unknown> extends Managed, AsyncIterable<[K, V]> {
  get(key: K): Promise<V | undefined>;
  get(key: K, otherwise: V): Promise<V>;
  set(key: K, value: V): Promise<void>;
  has(key: K): Promise<boolean>;
  /** @returns whether it was there. */
  delete(key: K): Promise<boolean>;
  /** @throws NotFoundError when it is not there and nothing is given instead. */
  pop(key: K, ...otherwise: readonly V[]): Promise<V>;
  /** The last one. @throws NotFoundError when there is none. */
  popitem(): Promise<[K, V]>;
  /** Sets it unless it is there; what is there then. */
  setdefault(key: K, value: V): Promise<V>;
  update(items: DictItems<K, V>): Promise<void>;
  keys(): Promise<K[]>;
  values(): Promise<V[]>;
  entries(): Promise<[K, V][]>;
  clear(): Promise<void>;
  size(): Promise<number>;
  /** As {@link value}. */
  copy(): Promise<Record<string, V> | Map<K, V>>;
  /** An object if all keys are texts, else a Map. */
  value(): Promise<Record<string, V> | Map<K, V>>;
}

/** A set. */
export interface ManagedSet<T extends ManagedKey = ManagedKey> extends Managed, AsyncIterable<T> {
  add(item: T): Promise<void>;
  has(item: T): Promise<boolean>;
  /** @returns whether it was there. */
  delete(item: T): Promise<boolean>;
  /** Any of them. @throws NotFoundError when there is none. */
  pop(): Promise<T>;
  update(items: Iterable<T>): Promise<void>;
  clear(): Promise<void>;
  size(): Promise<number>;
  value(): Promise<Set<T>>;
}

/** Attributes that can be written. */
export interface ManagedNamespace<N extends object = Record<string, unknown>> extends Managed {
  get<K extends keyof N & string>(name: K): Promise<N[K]>;
  set<K extends keyof N & string>(name: K, value: N[K]): Promise<void>;
  /** @returns whether it was there. */
  delete(name: keyof N & string): Promise<boolean>;
  value(): Promise<N>;
}

/** A queue. `Full`, `Empty`, `ShutDownError` as of a local one. */
export interface ManagedQueue<T = unknown> extends Managed, AsyncIterable<T> {
  put(item: T, options?: WaitOptions | null): Promise<void>;
  putNowait(item: T): Promise<void>;
  get(options?: WaitOptions | null): Promise<T>;
  getNowait(): Promise<T>;
  putMany(items: Iterable<T>, options?: WaitOptions | null): Promise<number>;
  getMany(max?: number, options?: WaitOptions | null): Promise<T[]>;
  qsize(): Promise<number>;
  empty(): Promise<boolean>;
  full(): Promise<boolean>;
  shutdown(options?: { readonly immediate?: boolean | undefined }): Promise<void>;
}

/** A claimed message. */
export interface ManagedJob<T = unknown> {
  readonly value: T;
  /** How often it was delivered, this time included. */
  readonly attempts: number;
  /** Consumes it, and counts it as done. */
  done(): Promise<void>;
  /** Gives it back to be taken again. */
  requeue(): Promise<void>;
}

/** A queue that knows what is unfinished. What a client took and did not finish before its end is delivered again. */
export interface ManagedJoinableQueue<T = unknown> extends ManagedQueue<T> {
  take(options?: WaitOptions | null): Promise<ManagedJob<T>>;
  /** @throws OverReleaseError when called more often than there were items. */
  taskDone(): Promise<void>;
  join(options?: WaitOptions | null): Promise<boolean>;
  unfinished(): Promise<number>;
}

/** Something held: given back by `release()` or `await using`. */
export interface ManagedHold extends AsyncDisposable {
  /** The one who had it before died with it. */
  readonly ownerDied: boolean;
  release(): Promise<void>;
}

/** A lock. Anybody may release it; what a client held when it died is free, and the next owner is told. */
export interface ManagedLock extends Managed {
  acquire(options?: WaitOptions | null): Promise<boolean>;
  /** @throws OverReleaseError when it is free. */
  release(): Promise<void>;
  locked(): Promise<boolean>;
  /** @throws TimeoutError. */
  hold(options?: WaitOptions | null): Promise<ManagedHold>;
  run<R>(fn: () => R | Promise<R>, options?: WaitOptions | null): Promise<R>;
}

/** A lock that its owner, a thread, may take again. @throws OwnerError for a release by others. */
export type ManagedRLock = ManagedLock;

/** A semaphore. What a client took and did not give back before its end is given back. */
export interface ManagedSemaphore extends Managed {
  acquire(options?: WaitOptions | null): Promise<boolean>;
  release(n?: number): Promise<void>;
  getValue(): Promise<number>;
  run<R>(fn: () => R | Promise<R>, options?: WaitOptions | null): Promise<R>;
}

/** A condition, with the methods of its lock. */
export interface ManagedCondition extends ManagedLock {
  /** Waits for `notify`, with the lock released meanwhile. @throws OwnerError without the lock. @returns false when the time was over. */
  wait(options?: WaitOptions | null): Promise<boolean>;
  waitFor(predicate: () => unknown, options?: WaitOptions | null): Promise<boolean>;
  notify(n?: number): Promise<void>;
  notifyAll(): Promise<void>;
}

/** An event. */
export interface ManagedEvent extends Managed {
  isSet(): Promise<boolean>;
  set(): Promise<void>;
  clear(): Promise<void>;
  /** @returns false when the time was over. */
  wait(options?: WaitOptions | null): Promise<boolean>;
}

/** A barrier. The death of one who waits breaks it. */
export interface ManagedBarrier extends Managed {
  /** @returns the place of arrival, from `parties - 1` down to 0. @throws BrokenBarrierError. */
  wait(options?: WaitOptions | null): Promise<number>;
  reset(): Promise<void>;
  abort(): Promise<void>;
  parties(): Promise<number>;
  nWaiting(): Promise<number>;
  broken(): Promise<boolean>;
}

/** One value. */
export interface ManagedValue<T = unknown> extends Managed {
  get(): Promise<T>;
  set(value: T): Promise<void>;
  /** Adds to a number (a bigint to a bigint) in one step. @returns the sum. */
  add(n: T extends bigint ? bigint : number): Promise<T>;
  /** @returns whether it was `expected`, and is `value` now. */
  compareExchange(expected: T, value: T): Promise<boolean>;
  value(): Promise<T>;
}

/** Elements of one type. */
export interface ManagedArray<T = number> extends Managed, AsyncIterable<T> {
  at(index: number): Promise<T | undefined>;
  /** @throws RangeError when there is no such place; TypeError for what the type cannot hold. */
  set(index: number, value: T): Promise<void>;
  /** Adds to one element in one step. @returns the sum. */
  add(index: number, n: T): Promise<T>;
  slice(start?: number, end?: number): Promise<T[]>;
  length(): Promise<number>;
  value(): Promise<T[]>;
}

/** A result that is being worked on. */
export interface ManagedAsyncResult<R = unknown> extends Managed {
  get(options?: WaitOptions | null): Promise<R>;
  wait(options?: WaitOptions | null): Promise<boolean>;
  ready(): Promise<boolean>;
  successful(): Promise<boolean>;
}

/** What a managed pool runs: a task, or where to find one. */
export type ManagedTask = ((...args: never[]) => unknown) | TaskReference;

/** A pool of workers. */
export interface ManagedPool extends Omit<Managed, 'close'>, AsyncDisposable {
  apply(task: ManagedTask, args?: readonly unknown[], options?: WaitOptions | null): Promise<unknown>;
  applyAsync(task: ManagedTask, args?: readonly unknown[]): Promise<ManagedAsyncResult>;
  map(task: ManagedTask, items: Iterable<unknown>, options?: { readonly chunksize?: number }): Promise<unknown[]>;
  starmap(
    task: ManagedTask,
    items: Iterable<readonly unknown[]>,
    options?: { readonly chunksize?: number },
  ): Promise<unknown[]>;
  /** No more tasks. The proxy itself is let go of by `using` or when it is forgotten. */
  close(): Promise<void>;
  terminate(): Promise<void>;
  join(): Promise<void>;
}

/** The objects that every manager makes. */
export interface ManagedObjects {
  list<T = unknown>(items?: Iterable<T>): Promise<ManagedList<T>>;
  dict<K extends ManagedKey = string, V = unknown>(items?: DictItems<K, V>): Promise<ManagedDict<K, V>>;
  Namespace<N extends object = Record<string, unknown>>(attributes?: N): Promise<ManagedNamespace<N>>;
  Queue<T = unknown>(options?: number | { readonly maxsize?: number | undefined }): Promise<ManagedQueue<T>>;
  JoinableQueue<T = unknown>(
    options?: number | { readonly maxsize?: number | undefined },
  ): Promise<ManagedJoinableQueue<T>>;
  Lock(): Promise<ManagedLock>;
  RLock(): Promise<ManagedRLock>;
  Semaphore(value?: number): Promise<ManagedSemaphore>;
  BoundedSemaphore(value?: number): Promise<ManagedSemaphore>;
  /** @param lock a Lock or RLock of the same manager; default: an RLock of its own. */
  Condition(lock?: ManagedLock | null): Promise<ManagedCondition>;
  Event(): Promise<ManagedEvent>;
  Barrier(parties: number, options?: { readonly timeout?: number | undefined }): Promise<ManagedBarrier>;
  Value<T = unknown>(type: TypeCode, value: T): Promise<ManagedValue<T>>;
  Array<T = number>(type: TypeCode, items: Iterable<T> | number): Promise<ManagedArray<T>>;
  Pool(processes?: number): Promise<ManagedPool>;
}
