/**
 * The native boundary: every function of the addon, typed and documented, and nothing else.
 *
 * Conventions
 * - A shared object is known to native code by its **ref**, a small integer, unique per object and environment.
 *   Attaching an object twice gives the same ref and counts; `close` counts down.
 * - Hot operations return a number: `>= 0` is success, negative is a {@link Status}. Secondary results are
 *   left in {@link Native.out}. They never allocate and never throw.
 * - `waitMs` of a hot operation: `0` never waits; `> 0` blocks the calling thread for at most that long, cut into
 *   slices: when a slice (250 ms) ends without success the call returns `Status.Again` so that a
 *   worker thread can be terminated; the caller loops until its own deadline.
 * - Cold operations (create, open, attach, …) throw an `Error` whose `code` is one of ours (`ERR_MULTIPROC_…`) and whose
 *   message is complete; see `call()` which turns them into the public classes.
 */
import { errorForCode } from '../errors.js';
import { loadAddon } from './loader.js';
import type { ObjectStats, SegmentInfo } from './native-facts.js';

/** Negative results of hot operations. */
export const Status = {
  /** Nothing now: empty, full, locked, not yet set; also the end of a wait slice. */
  Again: -1,
  /** The queue was shut down. */
  ShutDown: -2,
  /** Shared memory failed a check; sticky for the whole segment. */
  Poisoned: -3,
  /** Released more often than acquired. */
  OverRelease: -4,
  /** The caller does not own what it releases or waits on. */
  NotOwner: -5,
  /** The barrier is broken. */
  Broken: -6,
  /** The message does not fit the ring inline; use `ringPutSpill`. */
  TooLarge: -7,
  /** The receiving memory is too small; `out[0]` says how many bytes are needed. Nothing was consumed. */
  NoRoom: -8,
  /** A blocking acquire, without end, of what this thread itself holds through hold(). */
  Deadlock: -9,
  /** The ref is not open (closed object). */
  Closed: -10,
  /** `/dev/shm` is full; `out[0]` bytes asked, `out[1]` bytes free. */
  NoSpace: -11,
  /** The system refused, for example a descriptor or a thread; `out[0]` is errno. */
  System: -12,
  /** The map has no room for that. */
  Full: -13,
  /** The map has no such key. */
  Absent: -14,
} as const;

/** What a ref can be; the number is part of the shared layout, the name is part of a handle's text. */
export const Kind = {
  lock: 1,
  rlock: 2,
  semaphore: 3,
  boundedsemaphore: 4,
  condition: 5,
  event: 6,
  barrier: 7,
  value: 8,
  array: 9,
  memory: 10,
  queue: 11,
  map: 12,
} as const;
export type KindName = keyof typeof Kind;

/** Wait queues of an object, for `arm` and `disarm`. */
export const WaitQueue = {
  /** Lock, semaphore, condition, event, barrier: the only one. Queue: waiting for messages. */
  main: 0,
  /** Queue: waiting for space. */
  space: 1,
  /** Queue: waiting for `unfinished` to become 0. */
  join: 2,
} as const;

/** Ends of a pipe's ring, for `ringOpenEnd`. */
export const RingEnd = {
  receiving: 0,
  sending: 1,
} as const;

/** Results of `lockState` and `rlockState`. */
export const LockState = {
  Free: 0,
  Mine: 1,
  HeldElsewhere: 2,
} as const;

/** `ringGet` modes. */
export const GetMode = {
  /** Copy out and free. A message with flags (see below) stays claimed instead. */
  copy: 0,
  /** Copy out and keep claimed until `ringRelease` or `ringRequeue`; `out[1]` is the position. */
  take: 1,
  /** Do not copy: claim, `out[1]` position, `out[2]` byte offset in `ringBuffer`; result is the length. */
  view: 2,
} as const;

/** Bits of a message's flags, found in `out[0]` after a get. Non-zero flags mean: still claimed, decode, then `ringRelease(out[1])`. */
export const MessageFlag = {
  /** The bytes are in a one-shot segment: call `ringOpenSpill`. */
  spilled: 1,
  /** The bytes carry handles of shared objects: revive them before releasing. */
  handles: 2,
} as const;

export interface Native {
  /** Sixteen numbers shared with native code: secondary results of the last call on this thread. */
  readonly out: Float64Array;
  /** Memory the encoder writes message heads into; native code reads it. Kept alive by native code. */
  setScratch(bytes: Uint8Array): void;
  /** Memory that `ringGet` copies messages into. Kept alive by native code. */
  setSlab(bytes: Uint8Array): void;
  /** Memory that `mapGet` and `mapScan` copy into. Kept alive by native code. */
  setMapSlab(bytes: Uint8Array): void;

  // ---- objects -------------------------------------------------------------------------------------------------
  /**
   * Makes an object: anonymous ones (`name === null`) of small size in this environment's arena, others in a segment
   * of their own. `a` and `b` by kind: semaphore (value, max), barrier (parties, defaultTimeoutMs or -1),
   * value and array (type number, length), map (entries, units; it knows its `dataBytes`), others (0, 0). `dataBytes`: bytes of user memory (value, array, memory).
   * `meta`: up to 2,000 bytes of text kept with the object and returned by `meta()`. `initial`: the first bytes of the
   * user memory, there before anybody else can open the name.
   * Throws ERR_MULTIPROC_EXISTS, _NO_SPACE, _ARGUMENT (bad name), _PERMISSION, _SYSTEM.
   */
  create(
    kind: number,
    name: string | null,
    a: number,
    b: number,
    dataBytes: number,
    meta: string | null,
    maxParticipants: number,
    initial: Uint8Array | null,
  ): number;
  /**
   * Makes a queue segment. `capacity` bytes of message space (rounded up to a power of two, at least 65,536), `maxsize` 0 = no
   * limit but the bytes, `counted` = keeps `unfinished` (JoinableQueue), `meta` = codec name and class.
   */
  createQueue(
    name: string | null,
    capacity: number,
    maxsize: number,
    counted: boolean,
    meta: string,
    maxParticipants: number,
  ): number;
  /** Opens by name; `kind` must match, except 0 = any. Throws _NOT_FOUND, _KIND, _VERSION, _CORRUPT_SEGMENT, _PERMISSION, _LIMIT, _SYSTEM. */
  open(kind: number, name: string): number;
  /** Attaches the object at an address as `address()` gave it. Throws as `open`, and _NOT_FOUND when the object is gone. */
  attach(kind: number, address: string): number;
  /** `segment:offset:generation`, valid in every process while the object lives. */
  address(ref: number): string;
  kind(ref: number): number;
  meta(ref: number): string;
  /** The two numbers given at creation land in `out[0]` and `out[1]`; queue: capacity, maxsize. */
  parameters(ref: number): void;
  /** Counts one more user of the ref in this environment. */
  retain(ref: number): void;
  /** Counts down; the last one leaves the object. Idempotence is the caller's business. */
  close(ref: number): void;
  /** Removes the name of a named object, or of the segment of an anonymous one: nobody new can open it. False if it had gone. */
  unlink(ref: number): boolean;
  /** The user memory of a value, array or memory object: one ArrayBuffer per ref, the same at every call. */
  buffer(ref: number): ArrayBuffer;
  stats(ref: number): ObjectStats;
  /** How many participants use an anonymous object that is no queue: those who died and have not been reaped yet too. */
  users(ref: number): number;
  /** Leaves everything now; happens by itself at the end of the environment and at process.exit. Later calls return Status.Closed. */
  shutdown(): void;

  // ---- waiting -------------------------------------------------------------------------------------------------
  /** Registers this environment as a waiter; afterwards try the operation again before parking. */
  arm(ref: number, queue: number): void;
  /** Takes the registration back; passes a wake that came meanwhile on to the next waiter. */
  disarm(ref: number, queue: number): void;
  /**
   * The waiter thread now watches the ref's segment and calls the wake callback when it is rung, and every slice. Counts. System, and
   * nothing is counted, when it takes a thread that cannot be started.
   */
  park(ref: number): number;
  unpark(ref: number): void;
  /** A number that changes whenever this environment is rung in the ref's segment: take it before `arm`. */
  bell(ref: number): number;
  /**
   * Blocks the thread until one of the bells has changed from what it was, or one of the children has ended, or for `waitMs`, a slice at
   * most.
   */
  sleepOn(refs: readonly number[], bells: readonly number[], children: readonly number[], waitMs: number): void;
  /** `callback` runs on the event loop when anything parked was rung (`slice === false`) or a slice ended (`true`). */
  setWakeCallback(callback: (slice: boolean) => void): void;
  /** Keeps the event loop alive while true. */
  setRef(on: boolean): void;
  /** Repairs what dead participants of the ref's segment left; returns how many were dead. */
  reap(ref: number): number;
  /** The same for every segment that is open in this environment. */
  reapAll(): number;
  /** Processors this process may use, for spin decisions. */
  readonly usableCpus: number;

  // ---- lock, rlock: result 0 acquired, 1 acquired and the previous owner had died ---------------------------------
  /** `hold` = 1: taken through hold()/run(), only releasable with hold = 1. `endless` = 1: waitMs is a slice of an endless wait (deadlock check). */
  lockAcquire(ref: number, hold: 0 | 1, endless: 0 | 1, waitMs: number): number;
  /** OverRelease if free, NotOwner if held through hold and `hold` is 0 (or not by us and `hold` is 1). */
  lockRelease(ref: number, hold: 0 | 1): number;
  /** Result: a {@link LockState}; `out[0]` owner pid, `out[1]` 1 if taken through hold. */
  lockState(ref: number): number;
  /**
   * The 32-bit words of the lock's segment, for its uncontended case. `out[0]` index of the lock's word, which is 0 when simply free
   * and `out[2]` when simply owned by us: one compare-exchange between the two acquires or releases. `out[1]` index of the low
   * half of its count of acquisitions.
   */
  lockWords(ref: number): Int32Array;
  /** Owned by this environment already: depth + 1. In-process exclusion of async flows is the caller's business. */
  rlockAcquire(ref: number, waitMs: number): number;
  rlockRelease(ref: number): number;
  /** Gives it up whatever the depth (condition wait); result: the depth, or NotOwner. */
  rlockReleaseAll(ref: number): number;
  /** Sets the depth after a fresh acquire (condition wait). */
  rlockSetDepth(ref: number, depth: number): number;
  /** Result: a {@link LockState}; `out[0]` owner pid, `out[1]` depth. */
  rlockState(ref: number): number;

  // ---- semaphore ---------------------------------------------------------------------------------------------------
  semaphoreAcquire(ref: number, waitMs: number): number;
  semaphoreRelease(ref: number, n: number): number;
  semaphoreValue(ref: number): number;

  // ---- event ---------------------------------------------------------------------------------------------------
  eventIsSet(ref: number): number;
  eventSet(ref: number): number;
  eventClear(ref: number): number;
  /** A number that changes at every set; take it before waiting. */
  eventEpoch(ref: number): number;
  /** 0 when set now or since `epoch`, else Again. */
  eventWait(ref: number, epoch: number, waitMs: number): number;

  // ---- condition: the lock is a second object, the caller's business ------------------------------------------------
  /** Registers one waiter of this environment; call while owning the lock, before releasing it. */
  conditionEnter(ref: number): number;
  /** 0 when a notification was taken (the waiter is then no longer registered), else Again. */
  conditionTake(ref: number, waitMs: number): number;
  /** Gives up waiting: 1 if a notification had come after all (and is taken), 0 if not; no longer registered either way. */
  conditionLeave(ref: number): number;
  /** Wakes up to `n` registered waiters; result: how many. */
  conditionNotify(ref: number, n: number): number;
  conditionWaiters(ref: number): number;

  // ---- barrier -------------------------------------------------------------------------------------------------
  /**
   * Arrives. 0: wait with `barrierWait(ref, out[1], …)`; 1: you are the last one: run the action, then `barrierFinish`.
   * Broken. `out[0]` is the index (0 … parties-1), `out[1]` names the round. Again: the previous
   * round is still running its action; `waitMs` bounds the wait for that.
   */
  barrierArrive(ref: number, waitMs: number): number;
  /** 0 released, Broken, Again. */
  barrierWait(ref: number, round: number, waitMs: number): number;
  /** The last one releases all. */
  barrierFinish(ref: number, round: number): number;
  /** Breaks the given round if it still waits (timeout, abort): Broken; 0 if it was released meanwhile. */
  barrierBreak(ref: number, round: number): number;
  /** Marks it broken whatever its state: the user's abort(), or a failed action. */
  barrierAbort(ref: number): number;
  /** Empty again; whoever waits gets Broken. */
  barrierReset(ref: number): number;
  /** `out[0]` waiting, result 1 if broken. */
  barrierState(ref: number): number;

  // ---- queue ---------------------------------------------------------------------------------------------------
  /**
   * Puts scratch[0, headLength) followed by `body`. 0, Again (full), ShutDown, TooLarge. `flags` are MessageFlag bits.
   * At the return with 0 the message is committed and visible to every process.
   */
  ringPut(ref: number, headLength: number, body: Uint8Array | null, flags: number, waitMs: number): number;
  /** The same message through a segment of its own, any size. NoSpace, System. */
  ringPutSpill(ref: number, headLength: number, body: Uint8Array | null, flags: number, waitMs: number): number;
  /**
   * Gets into slab[offset, …). Result: length; `out[0]` flags, `out[1]` position (claimed messages only), `out[3]` attempt
   * number from 1 (take). NoRoom: set a slab with out[0] bytes behind the offset, call again. Again, ShutDown (drained).
   * A spilled message is not copied: result is its payload length.
   */
  ringGet(ref: number, offset: number, mode: number, waitMs: number): number;
  /** Bytes of the claimed spilled message at `position`, in memory of its own that outlives `ringRelease`, which removes the file. */
  ringOpenSpill(ref: number, position: number): ArrayBuffer;
  /** Consumes the claimed message at `position`. */
  ringRelease(ref: number, position: number): number;
  /** JoinableQueue: `ringRelease` and `ringTaskDone` in one: a death leaves both done or neither. */
  ringReleaseDone(ref: number, position: number): number;
  /** Gives the claimed message back: others get it, in its old place. */
  ringRequeue(ref: number, position: number): number;
  /** Claims room for `length` bytes: `out[1]` position, `out[2]` byte offset in `ringBuffer`. */
  ringReserve(ref: number, length: number, waitMs: number): number;
  /** Commits the first `length` bytes of a reservation. */
  ringCommit(ref: number, position: number, length: number, flags: number): number;
  ringAbort(ref: number, position: number): number;
  /** The ring's message memory, mapped twice in a row, as one ArrayBuffer (for view and reserve). */
  ringBuffer(ref: number): ArrayBuffer;
  /** Committed messages waiting. */
  ringSize(ref: number): number;
  /** 1 if nothing is waiting. */
  ringEmpty(ref: number): number;
  /** 1 if a one-byte message could not be put now. */
  ringFull(ref: number): number;
  /** Sets the shut-down flag and rings everybody; `immediate` also drains. Idempotent. */
  ringShutDown(ref: number, immediate: 0 | 1): number;
  /** 0 open, 1 shut down, 2 shut down immediately. */
  ringState(ref: number): number;
  /** 0 when there is a message to get, ShutDown when there never will be, else Again. Takes nothing. */
  ringPoll(ref: number, waitMs: number): number;
  /**
   * This environment uses the end (see {@link RingEnd}) from now on, until it closes it or dies. `silent` = 0, pipes: who puts and gets is
   * told when the other end has no users any more. 1: users are only counted, and rung.
   */
  ringOpenEnd(ref: number, end: number, silent: 0 | 1): number;
  /** When it was the end's last user: ShutDown, at once for those who put, and for those who get once nothing is left. */
  ringCloseEnd(ref: number, end: number): number;
  /** 1 if the end is in use by a participant, or with -1 by anybody; those who died count until they are reaped. */
  ringHasEnd(ref: number, end: number, participant: number): number;
  /** Number of this environment among the queue's participants. */
  ringSelf(ref: number): number;
  /** Rings a participant if it is armed for `WaitQueue.join`, or with -1 everybody, armed or not. */
  ringCall(ref: number, participant: number): number;
  /** JoinableQueue: one task done. OverRelease beyond the number of messages put. */
  ringTaskDone(ref: number): number;
  ringUnfinished(ref: number): number;
  /** Blocks until unfinished is 0: 0 or Again. */
  ringJoin(ref: number, waitMs: number): number;
  /** Has the record at `position` been consumed? (Used to let go of handles in transit.) */
  ringConsumed(ref: number, position: number): number;
  /** Position of the last message this environment committed on the ref. */
  ringLastPosition(ref: number): number;

  // ---- map: keys longer than 4,096 bytes are TooLarge --------------------------------------------------------------
  /** Copies a value to the map slab from `offset` on; never waits. Result: its length. Absent; NoRoom: `out[0]` bytes needed; Again: read it within mapEnter. */
  mapGet(ref: number, key: string, offset: number): number;
  /** 0, Absent, Again. */
  mapHas(ref: number, key: string): number;
  /**
   * Copies the entries of the first bucket from `bucket` on that has any; `out[1]` is the next one. Each: 4 bytes length of the key, 4 of the value, key,
   * value. Otherwise as `mapGet`; Absent when there are no more.
   */
  mapScan(ref: number, bucket: number, offset: number): number;
  /**
   * Sets a value as `ringPut` takes a message. `onlyIfAbsent` = 1: 2 when there was one, which stays. `entered` = 1: this thread has entered. Full, TooLarge;
   * Deadlock: this thread has entered, and `entered` is 0.
   */
  mapPut(
    ref: number,
    key: string,
    headLength: number,
    body: Uint8Array | null,
    onlyIfAbsent: 0 | 1,
    entered: 0 | 1,
    waitMs: number,
  ): number;
  /** 0, Absent; otherwise as `mapPut`. */
  mapDelete(ref: number, key: string, entered: 0 | 1, waitMs: number): number;
  mapClear(ref: number, waitMs: number): number;
  /** From now on only this thread changes the map, until `mapLeave` or its end. Deadlock: it has entered already. */
  mapEnter(ref: number, waitMs: number): number;
  mapLeave(ref: number): number;
  /** Number of entries; `out[0]` units in use. */
  mapSize(ref: number): number;

  // ---- processes -----------------------------------------------------------------------------------------------
  /**
   * Starts the program `file`; result: a number for the child, `out[0]` its pid. `environment`: texts `NAME=value`. The last three are descriptors that become its
   * standard input, output and error, or -1 for none. Throws _SYSTEM.
   */
  processStart(
    file: string,
    args: readonly string[],
    environment: readonly string[],
    input: number,
    output: number,
    error: number,
  ): number;
  /** A pipe that no child inherits by itself: descriptors of the reading and of the writing end. Throws _SYSTEM. */
  makePipe(): [number, number];
  /**
   * The file of memory that all children started from now on have as their descriptor 4: for the first call in this process its descriptor, to be
   * filled, and -1 for all others. `own`: a new file; else the one that this process was given itself.
   */
  giveMemory(own: boolean): number;
  /** Nobody can change the file of {@link giveMemory} any more. */
  sealMemory(descriptor: number): void;
  /** 0 when the child has ended: `out[0]` exit code, `out[1]` number of the signal that ended it or 0. Again, Closed. */
  processAwait(child: number, waitMs: number): number;
  /** Sends a signal to a child, unless it has ended; 0 or errno. */
  processSignal(child: number, signal: number): number;
  /** Nobody will ask for the child any more. */
  processForget(child: number): void;
  /** A number for a thread that is about to be started as a child; `processAwait`, `sleepOn` and `processForget` take it. Its code is −2^31 if it has said none. */
  threadPlan(): number;
  /** The only thread that was started since `threadPlan` is this one: if it goes without `threadBegin`, it has ended. */
  threadStarted(thread: number): void;
  /** In a thread: it is the one with this number, which ends when this environment has left everything. False if it has been called off. */
  threadBegin(thread: number): boolean;
  /** In a thread: its exit code. */
  threadCode(thread: number, code: number): void;
  /** It is being terminated: if it has not begun, it has ended. */
  threadCallOff(thread: number): void;
  /** It has ended, whether it began or not. */
  threadEnd(thread: number): void;
  /** `callback` runs on the event loop when children have ended. */
  setProcessCallback(callback: () => void): void;
  /** Keeps the event loop alive while true. */
  setProcessRef(on: boolean): void;
  /** In a child: takes over the descriptor by which it learns of its parent's death. Before anything else. */
  takeLifeline(): void;
  /** In a child: has its parent died? Waits for that for at most `waitMs`. */
  parentIsGone(waitMs: number): boolean;
  /** In a child: the callback of `setProcessCallback` runs when its parent has died. Throws _SYSTEM. */
  watchParent(): void;
  /** In a child: it ends when its parent dies, whatever it is doing then. Throws _SYSTEM. */
  endWithParent(): void;

  // ---- housekeeping ----------------------------------------------------------------------------------------------
  /** Removes orphans (segments and spilled messages nobody holds); returns their names. Never touches what is in use. */
  sweep(): string[];
  listSegments(): SegmentInfo[];
  /** Facts for `doctor`: kernel, libc, shm size and free, futex_waitv, OFD locks. */
  systemInfo(): Readonly<Record<string, string | number | boolean>>;
}

const loaded = loadAddon();

/**
 * The addon's functions. A copy: the exports object of an addon with so many functions is a dictionary to V8, and every call
 * would begin with a hash look-up.
 */
export const native: Native = { ...(loaded.binding as Native) };
/** File that was loaded, for `doctor`. */
export const addonPath = loaded.path;

interface NativeError extends Error {
  code?: string;
}

/**
 * Runs a cold native operation and turns its error into the public class for its code.
 */
export function call<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    const { code, message } = error as NativeError;
    if (typeof code === 'string' && code.startsWith('ERR_MULTIPROC_'))
      throw errorForCode(code, message, error as object);
    throw error;
  }
}
