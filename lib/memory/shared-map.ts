/**
 * SharedMap: a map from texts to values in shared memory.
 */
import { inspect } from 'node:util';
import { argumentRangeError, argumentTypeError, Full, type MultiprocError, NotTransferableError } from '../errors.js';
import { isWellFormed } from '../internal/codec/scratch.js';
import { encoder } from '../internal/encoder.js';
import { registerKind } from '../internal/handle.js';
import { call, Kind, native, Status } from '../internal/native.js';
import {
  type Attachment,
  attachCore,
  checkCreateOptions,
  checkInteger,
  checkName,
  Core,
  type CreateOptions,
  describe,
  Facade,
  Opened,
  openByName,
  openOrCreate,
} from '../internal/shared-object.js';
import { statusError } from '../internal/status-error.js';
import { type Attempt, SLICE } from '../internal/wait.js';
import { checkCallback, refusePromise } from '../sync/sync-object.js';
import { readEntries, readValue, type Take, takeEntries, takeValue } from './map-slab.js';

/** Options of `new SharedMap()`. */
export interface SharedMapOptions extends CreateOptions {
  /** Most entries at a time: an integer from 1 to 2^30. */
  readonly capacity: number;
  /**
   * Room for keys and encoded values together, in bytes, an integer from 0 to 2^36; default 64 for each entry of `capacity`. So much always
   * fits; up to 40 bytes more for each entry do, depending on their lengths. While an entry is replaced there must be room for both.
   */
  readonly bytes?: number | undefined;
}

/** Counters of a map, over all processes since it was made. */
export interface MapStats {
  /** Entries now. */
  readonly size: number;
  /** Most entries. */
  readonly capacity: number;
  /** Bytes of shared memory that entries take now: 64 for every 40 or 56 bytes of key and value. */
  readonly bytesUsed: number;
  /** Bytes of shared memory that there are for entries. */
  readonly bytesTotal: number;
  /** Changes, and attempts at some. */
  readonly acquired: number;
  /** Those of them that had to wait for another one. */
  readonly contended: number;
  /** Processes and threads that died in the middle of a change or an `update()`. */
  readonly ownerDeaths: number;
  /** Threads waiting right now. */
  readonly waiters: number;
  /** Process id, as that process sees it, of who is changing the map or in an `update()`; or `null`. */
  readonly ownerPid: number | null;
}

const mostCapacity = 2 ** 30;
const mostBytes = 2 ** 36;
const defaultBytes = 64;
const unitBytes = 64;
/** So many bytes of keys and values never need more than one unit besides the first of each entry. */
const unitForBytes = 32;
const longestKey = 4096;

/**
 * A map from texts to values that all processes see: what a `Map` is in one process, for data that is read and changed often. All
 * operations are synchronous and take microseconds.
 *
 * Values are copies, encoded as messages are: changing an object that `get()` returned changes nothing in the map. Shared objects cannot be values.
 *
 * **Reading** (`get`, `has`, `size`, iteration) never waits for anybody: it takes no lock, and somebody who is changing the map, is stopped
 * or dies meanwhile does not matter. What is read is what the key had at one moment.
 * **Changing** (`set`, `setDefault`, `delete`, `update`, `clear`) is done by one thread at a time and blocks the thread until it is its turn, which is
 * short, unless another one is in a long `update()` or is stopped in the middle: a stopped process is not a dead one. A process that dies in the
 * middle of a change leaves the old entry or the new one, and the others go on.
 *
 * ```ts
 * const visits = new SharedMap<number>({ capacity: 10_000, name: 'visits' });
 * visits.update('/index.html', (n = 0) => n + 1);   // in any process
 * ```
 *
 * Every operation throws ClosedError (ERR_MULTIPROC_CLOSED) after `close()`; CorruptSegmentError (ERR_MULTIPROC_CORRUPT_SEGMENT) when the map's memory is
 * damaged; TypeError, RangeError (ERR_MULTIPROC_ARGUMENT) for a key that is no text, has a lone surrogate, or is longer than 4,096 bytes in UTF-8.
 */
export class SharedMap<T = unknown> extends Facade implements Iterable<[string, T]> {
  /** Most entries that there can be at a time. */
  readonly capacity: number;
  readonly #units: number;
  readonly #at: Attachment;

  /**
   * Makes an empty map; all of its memory is reserved now.
   *
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT); ExistsError (ERR_MULTIPROC_EXISTS) if the name is taken; NoSpaceError
   *   (ERR_MULTIPROC_NO_SPACE).
   */
  constructor(options: SharedMapOptions);
  /** @internal */
  // oxlint-disable-next-line typescript/unified-signatures -- one is public, the other is not
  constructor(opened: Opened);
  constructor(source: SharedMapOptions | Opened) {
    const ref = source instanceof Opened ? source.ref : create(source);
    const attachment = attachCore(ref, (known) => new Core(known, 'map'));
    super(attachment);
    this.#at = attachment;
    native.parameters(attachment.ref);
    const [capacity = 0, units = 0] = native.out;
    this.capacity = capacity;
    this.#units = units;
  }

  /** Opens a named map. @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND); VersionError, CorruptSegmentError when it cannot be used. */
  static open<T = unknown>(name: string): SharedMap<T> {
    return new SharedMap<T>(openByName('map', checkName(name, 'open SharedMap')));
  }

  /** Opens a named map, or makes it when there is none; the options then count. Two processes may do so at once. */
  static openOrCreate<T = unknown>(name: string, options: Omit<SharedMapOptions, 'name'>): SharedMap<T> {
    return openOrCreate(
      () => SharedMap.open<T>(name),
      () => new SharedMap<T>({ ...options, name }),
    );
  }

  /** Number of entries now. Never waits. What a process that died in the middle of a change left is counted once it has been found dead. */
  get size(): number {
    const size = native.mapSize(this.#at.ref);
    if (size < 0) throw statusError(size, 'read the size of SharedMap');
    return size;
  }

  /** The value of the key, or `undefined` if it has none. Never waits. @throws also what decoding the value throws. */
  get(key: string): T | undefined {
    checkKey(key, 'get from SharedMap');
    return this.#get(this.#at.ref, key);
  }

  /** Does the key have a value? Never waits. */
  has(key: string): boolean {
    checkKey(key, 'look into SharedMap');
    const status = this.#look(() => native.mapHas(this.#at.ref, key));
    if (status === Status.Absent) return false;
    if (status < 0) throw this.#error(status, 'look into SharedMap', key);
    return true;
  }

  /**
   * Sets the value of the key. Blocks until it is this thread's turn.
   *
   * @param value anything that can travel but `undefined`, which means that there is no value, and shared objects, which nothing would keep alive in a map.
   * @returns the map.
   * @throws Full (ERR_MULTIPROC_FULL) when there is no room, NotTransferableError (ERR_MULTIPROC_NOT_TRANSFERABLE), DeadlockError
   *   (ERR_MULTIPROC_DEADLOCK) in an `update()` of this map by this thread: nothing has changed then.
   */
  set(key: string, value: T): this {
    checkKey(key, 'set an entry of SharedMap');
    this.#put(key, value, 0);
    return this;
  }

  /**
   * Gives the value of the key; sets it to `value` first if there is none. Of several processes that do so at once, one sets it. Python's `dict.setdefault`.
   *
   * @throws as {@link set}.
   */
  setDefault(key: string, value: T): T {
    checkKey(key, 'set an entry of SharedMap');
    for (;;) {
      const found = this.#get(this.#at.ref, key);
      if (found !== undefined) return found;
      if (this.#put(key, value, 1) === 0) return value;
    }
  }

  /** Removes the key. @returns whether it had a value. @throws DeadlockError as {@link set}. */
  delete(key: string): boolean {
    checkKey(key, 'delete from SharedMap');
    const status = this.#change((waitMs) => native.mapDelete(this.#at.ref, key, 0, waitMs));
    if (status === Status.Absent) return false;
    if (status < 0) throw this.#error(status, 'delete from SharedMap', key);
    return true;
  }

  /** Removes everything. A clear that a process has begun when it dies is finished for it. @throws DeadlockError as {@link set}. */
  clear(): void {
    const status = this.#change((waitMs) => native.mapClear(this.#at.ref, waitMs));
    if (status < 0) throw this.#error(status, 'clear SharedMap');
  }

  /**
   * Replaces the value of the key by what `change` makes of it, while nobody else changes the map. Others read the old value meanwhile, and wait with what they
   * want to change, so `change` should be short. It may read the map; if it changes the map, that throws DeadlockError. In another map it may change something,
   * but two processes that each wait for the other's map wait for ever.
   *
   * If the process dies in it, the old value stays and the others go on.
   *
   * @param change gets the value or `undefined`, and returns the new one, or `undefined` to remove the key. When it throws, nothing changes.
   * @returns what `change` returned.
   * @throws as {@link set} and as `change`; StateError (ERR_MULTIPROC_STATE) when `change` returned a promise.
   */
  update(key: string, change: (old: T | undefined) => T | undefined): T | undefined {
    const action = 'update an entry of SharedMap';
    checkKey(key, action);
    checkCallback(change, action);
    this.#enter(action);
    const { core } = this.#at;
    // Closing the map in `change` must not end what has begun.
    core.retain();
    try {
      const value = refusePromise(change(this.#get(core.ref, key)), action, 'a function that returns the value');
      const status =
        value === undefined
          ? native.mapDelete(core.ref, key, 1, 0)
          : native.mapPut(core.ref, key, encode(value), encoder.body, 0, 1, 0);
      if (status < 0 && status !== Status.Absent) throw this.#error(status, action, key);
      return value;
    } finally {
      native.mapLeave(core.ref);
      core.release();
    }
  }

  /**
   * All keys, in no order. Others may change the map meanwhile: a key that is there all the time comes exactly once, one that comes or goes meanwhile once or not at
   * all, and each entry is one that there was at a moment since the iteration began. The same holds for `values()` and `entries()`.
   */
  keys(): IterableIterator<string> {
    return this.#iterate((key) => key());
  }

  /** All values; see {@link keys}. */
  values(): IterableIterator<T> {
    return this.#iterate((_key, value) => value() as T);
  }

  /** All pairs of key and value; see {@link keys}. */
  entries(): IterableIterator<[string, T]> {
    return this.#iterate((key, value) => [key(), value() as T]);
  }

  /** As {@link entries}. */
  [Symbol.iterator](): IterableIterator<[string, T]> {
    return this.entries();
  }

  /** Counters, the same from every process. Never waits. */
  stats(): MapStats {
    this.#at.assertOpen('read stats of SharedMap');
    const { acquired, contended, ownerDeaths, waiters, ownerPid } = call(() => native.stats(this.#at.ref));
    const size = native.mapSize(this.#at.ref);
    const [used = 0] = native.out;
    return {
      size,
      capacity: this.capacity,
      bytesUsed: used * unitBytes,
      bytesTotal: this.#units * unitBytes,
      acquired,
      contended,
      ownerDeaths,
      waiters,
      ownerPid: ownerPid === 0 ? null : ownerPid,
    };
  }

  /** @internal */
  override [describe](): string {
    return `<SharedMap size=${this.size} capacity=${this.capacity}>`;
  }

  #get(ref: number, key: string): T | undefined {
    let length = readValue(ref, key);
    if (length === Status.Again) length = this.#look(() => readValue(ref, key));
    if (length >= 0) return takeValue(length) as T;
    if (length === Status.Absent) return undefined;
    throw this.#error(length, 'get from SharedMap', key);
  }

  /** @returns 0, or 2 when there was a value, which stays. */
  #put(key: string, value: T, onlyIfAbsent: 0 | 1): number {
    if (value === undefined) {
      throw argumentTypeError('Cannot set an entry of SharedMap: undefined is what a key without a value has');
    }
    this.#at.assertOpen('set an entry of SharedMap');
    const length = encode(value);
    const status = this.#change((waitMs) =>
      native.mapPut(this.#at.ref, key, length, encoder.body, onlyIfAbsent, 0, waitMs),
    );
    if (status < 0) throw this.#error(status, 'set an entry of SharedMap', key);
    return status;
  }

  #change(attempt: Attempt): number {
    const status = attempt(SLICE);
    return status === Status.Again ? this.#at.core.main.waitSync(attempt, Infinity) : status;
  }

  #enter(action: string): void {
    const status = this.#change((waitMs) => native.mapEnter(this.#at.ref, waitMs));
    if (status < 0) throw this.#error(status, action);
  }

  /** What is being changed whenever it is read, is read as soon as nobody changes it, at the latest when it is this thread's turn. */
  #look(read: () => number): number {
    const turn = { come: false };
    const status = this.#change((waitMs) => {
      const looked = read();
      if (looked !== Status.Again) return looked;
      const entered = native.mapEnter(this.#at.ref, waitMs);
      turn.come = entered >= 0;
      return entered;
    });
    if (!turn.come) return status;
    try {
      return read();
    } finally {
      native.mapLeave(this.#at.ref);
    }
  }

  #iterate<R>(take: Take<R>): IterableIterator<R> {
    this.#at.assertOpen('iterate over SharedMap');
    return this.#walk(take);
  }

  *#walk<R>(take: Take<R>): Generator<R, void, undefined> {
    for (let bucket = 0; ;) {
      const length = this.#look(() => readEntries(this.#at.ref, bucket));
      if (length === Status.Absent) return;
      if (length < 0) throw this.#error(length, 'iterate over SharedMap');
      bucket = native.out[1] as number;
      yield* takeEntries(length, take);
    }
  }

  #error(status: number, action: string, key?: string): MultiprocError | Error {
    switch (status) {
      case Status.Full:
        return new Full(`Cannot ${action}: ${this.#whyFull(key ?? '')}`);
      case Status.TooLarge:
        return argumentRangeError(
          key !== undefined && Buffer.byteLength(key) > longestKey
            ? `Cannot ${action}: a key has at most ${longestKey} bytes, received ${Buffer.byteLength(key)}`
            : `Cannot ${action}: a value has at most 4 GiB`,
        );
      case Status.Deadlock:
        return statusError(status, action, 'this thread is in an update() of the map');
      default:
        return statusError(status, action);
    }
  }

  #whyFull(key: string): string {
    const { ref } = this.#at.core;
    const more = native.mapHas(ref, key) === Status.Absent;
    if (native.mapSize(ref) >= this.capacity && more) return `it has ${this.capacity} entries, its capacity`;
    const [used = 0] = native.out;
    return `there is no room for it, ${used * unitBytes} of ${this.#units * unitBytes} bytes are in use`;
  }
}

function create(options: unknown): number {
  const action = 'create SharedMap';
  if (typeof options !== 'object' || options === null) {
    throw argumentTypeError(
      `Cannot ${action}: expected options such as { capacity: 1000 }, received ${inspect(options)}`,
    );
  }
  const given = options as Partial<SharedMapOptions>;
  const capacity = checkInteger(given.capacity, 1, mostCapacity, 'capacity', action);
  const bytes =
    given.bytes === undefined
      ? Math.min(capacity * defaultBytes, mostBytes)
      : checkInteger(given.bytes, 0, mostBytes, 'bytes', action);
  const { name, maxParticipants } = checkCreateOptions(given, action);
  // One more, so that an entry can be replaced in a map that is full of the smallest.
  const units = capacity + Math.ceil(bytes / unitForBytes) + 1;
  return call(() => native.create(Kind.map, name, capacity, units, 0, null, maxParticipants, null));
}

function checkKey(key: unknown, action: string): void {
  if (typeof key !== 'string') {
    throw argumentTypeError(`Cannot ${action}: a key must be a string, received ${inspect(key, { depth: 0 })}`);
  }
  if (!isWellFormed(key)) throw argumentRangeError(`Cannot ${action}: the key has a lone surrogate`);
}

/** Bytes of the encoded value in the scratch. */
function encode(value: unknown): number {
  const length = encoder.encode(value);
  if (encoder.handles === null) return length;
  throw new NotTransferableError(
    'Cannot set an entry of SharedMap: the value refers to a shared object, which nothing would keep alive there',
  );
}

registerKind('map', (opened) => new SharedMap(opened));
