/**
 * SyncManager: starts a manager's process, and makes objects in it.
 */
import { inspect } from 'node:util';
import { argumentTypeError, StateError } from '../errors.js';
import { Pipe } from '../channels/pipe.js';
import { addressToSend, type TaskReference } from '../internal/task-reference.js';
import { forEver, parseWait, type WaitOptions } from '../internal/wait-options.js';
import type { TypeCode } from '../memory/element-types.js';
import { Process } from '../processes/process.js';
import type {
  DictItems,
  ManagedArray,
  ManagedBarrier,
  ManagedCondition,
  ManagedDict,
  ManagedEvent,
  ManagedJoinableQueue,
  ManagedKey,
  ManagedList,
  ManagedLock,
  ManagedNamespace,
  ManagedObjects,
  ManagedPool,
  ManagedQueue,
  ManagedRLock,
  ManagedSemaphore,
  ManagedSet,
  ManagedValue,
} from './interfaces.js';
import type { Hello } from './local-route.js';
import { type Address, checkAddress } from './address.js';
import { checkAuthkey } from './authentication.js';
import { ManagerClient } from './manager-client.js';
import { MANAGER } from './messages.js';
import { addressOfHandle, adoptRemoteClient, localClient } from './proxy-core.js';
import { entriesOf } from './proxies/dict-proxy.js';
import type { Remote } from './proxies/remote-object.js';
import { parseRegistration, type RegisteredKind, type Registration } from './registration.js';
import type { ManagerStats } from './server.js';
import { type ManagerFacts, type ServerSettings, serverTask } from './server-process.js';
import { SocketRoute } from './socket-route.js';

/** Milliseconds that the process has to end by itself, and then again after SIGTERM. */
const GRACE = 1000;

/** Where a manager is. */
export interface SyncManagerOptions {
  /**
   * Where it listens for processes that cannot share memory with it: `{ host, port }` with port 0 for any free one, or the path of a Unix socket. Default: nowhere, it
   * serves this machine only.
   */
  readonly address?: Address | null | undefined;
  /** The secret that those who connect must know, and it too; bytes. Default: `currentProcess().authkey`, which children inherit. */
  readonly authkey?: Uint8Array | null | undefined;
}

/** How a manager is started. */
export interface StartOptions<A extends readonly unknown[] = readonly unknown[]> {
  /** A task that runs in the manager's process before it serves anybody. */
  readonly initializer?: ((...args: [...A]) => unknown) | TaskReference | undefined;
  readonly initargs?: NoInfer<A> | undefined;
}

type Phase = 'new' | 'starting' | 'started' | 'ended';

/**
 * A process that keeps objects for many users: lists, dicts, queues, locks and whatever is registered. {@link Manager} makes one and starts it.
 *
 * ```ts
 * await using manager = await Manager();
 * const counts = await manager.dict({ a: 1 });
 * const child = new Process({ target: count, args: [counts] });
 * child.start();
 * await child.join();
 * console.log(String(counts));
 * ```
 *
 * Objects are used through proxies, see `BaseProxy`; what is in an object is a copy, so a change of it is made by setting it again.
 *
 * **Death**: what a client held when it died is given back (locks, permits, jobs that it took; a barrier that it waited for breaks), and what only it used goes.
 * When the manager dies, every call rejects with BrokenPipeError at once. The manager ends with the process that started it, however that ends.
 */
export class SyncManager implements ManagedObjects {
  #phase: Phase = 'new';
  #process: Process | undefined;
  #client: ManagerClient | undefined;
  readonly #kinds: Record<string, RegisteredKind> = {};
  #address: Address | null;
  readonly #authkey: Uint8Array | null;

  /** @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
  constructor(options?: SyncManagerOptions | null) {
    const { address, authkey } = options ?? {};
    this.#address = address === undefined || address === null ? null : checkAddress(address, 'make SyncManager');
    this.#authkey =
      authkey === undefined || authkey === null ? null : Uint8Array.from(checkAuthkey(authkey, 'make SyncManager'));
  }

  /**
   * Adds a kind of objects, before the start. The manager then has a method of that name, too.
   *
   * ```ts
   * const makeCounter = task(import.meta, function makeCounter(first: number) { return new Counter(first); });
   * const manager = new SyncManager();
   * const newCounter = manager.register<Counter>('Counter', { factory: makeCounter });
   * await manager.start();
   * const counter = await newCounter(5); // as manager.create('Counter', 5)
   * ```
   *
   * @param typeid a word.
   * @returns what makes such an object.
   * @throws TypeError (ERR_MULTIPROC_ARGUMENT); ExistsError (ERR_MULTIPROC_EXISTS) for a kind that every manager has; NotTransferableError for a factory that
   *   is no task; StateError (ERR_MULTIPROC_STATE) after the start.
   */
  register<T extends object = Record<string, (...args: never[]) => unknown>>(
    typeid: string,
    registration?: Registration,
  ): (...args: unknown[]) => Promise<Remote<T>> {
    if (this.#phase !== 'new') throw new StateError(`Cannot register '${typeid}': the manager has been started`);
    const parsed = parseRegistration(typeid, registration);
    if (typeid in this && !Object.hasOwn(this, typeid))
      throw argumentTypeError(`Cannot register '${typeid}': a manager has a member of that name`);
    if (parsed !== null) this.#kinds[typeid] = parsed;
    const create = (...args: unknown[]): Promise<Remote<T>> => this.create<T>(typeid, ...args);
    Object.defineProperty(this, typeid, { value: create, configurable: true });
    return create;
  }

  /**
   * Starts the manager's process; resolves when it serves.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) when it was started before; what the initializer, or the import of a factory, throws; as `Process.start`.
   */
  async start<A extends readonly unknown[]>(options: StartOptions<A> = {}): Promise<void> {
    if (this.#phase !== 'new')
      throw new StateError(
        `Cannot start the manager: it was ${this.#phase === 'ended' ? 'shut down' : 'started before'}`,
      );
    const { initializer, initargs = [] } = options;
    if (!Array.isArray(initargs)) throw argumentTypeError('Cannot start the manager: initargs must be an array');
    const settings: ServerSettings = {
      kinds: this.#kinds,
      initializer: initializer === undefined ? null : addressToSend(initializer, 'start the manager'),
      address: this.#address,
      authkey: this.#authkey,
    };
    const [inside, outside] = Pipe<Hello>();
    const client = localClient(addressOfHandle(outside));
    const child = new Process({
      target: serverTask,
      args: [inside, outside, settings, initargs],
      daemon: true,
      startMethod: 'spawn',
    });
    child.name = child.name.replace(/^[^-]*/, this.constructor.name);
    try {
      child.start();
    } catch (error) {
      client.release();
      throw error;
    } finally {
      inside.close();
      outside.close();
    }
    this.#phase = 'starting';
    this.#process = child;
    this.#client = client;
    // It does not keep this process alive, which may end without a shutdown.
    const died = child.sentinel.then(() => {
      throw child.error ?? new StateError(`Cannot start the manager: its process ended with ${child.exitCode}`);
    });
    died.catch(() => undefined);
    try {
      const greeting = client.call(MANAGER, 'greet', []).catch(() => died);
      this.#address = ((await Promise.race([greeting, died])) as ManagerFacts).address;
      if (this.#client !== client) throw new StateError('Cannot start the manager: it was shut down meanwhile');
      this.#phase = 'started';
    } catch (error) {
      this.#phase = 'ended';
      // A shutdown in the meantime has done that.
      if (this.#client === client) client.release();
      this.#client = undefined;
      throw error;
    }
  }

  /**
   * Connects to a manager that another program has started at the address.
   *
   * @throws StateError (ERR_MULTIPROC_STATE) without an address, and when it was started or connected before; as `Client`: NotFoundError when nobody listens there,
   *   AuthenticationError for another key, …
   */
  async connect(): Promise<void> {
    if (this.#phase !== 'new' || this.#address === null)
      throw new StateError(
        `Cannot connect to the manager: ${this.#address === null ? 'it has no address' : 'it was started or connected before'}`,
      );
    this.#phase = 'starting';
    const client = new ManagerClient(
      new SocketRoute(this.#address, this.#authkey ?? undefined),
      () => undefined,
    ).retain();
    try {
      const { manager } = (await client.call(MANAGER, 'greet', [])) as ManagerFacts;
      adoptRemoteClient(manager, client);
      this.#client = client;
      this.#phase = 'started';
    } catch (error) {
      this.#phase = 'new';
      client.release();
      throw error;
    }
  }

  /** Where it listens, with the port that was found; `null` when it serves this machine only. */
  get address(): Address | null {
    return this.#address;
  }

  /** The manager's process id; `null` before the start, and when it is not this process's. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /**
   * Ends the manager's process and with it all objects; it is killed if it does not end by itself within 2 s. Does nothing when it has ended. Who has
   * connected to another program's manager only leaves it.
   */
  async shutdown(): Promise<void> {
    const child = this.#process;
    const answered = this.#end();
    if (child?.exitCode === null && (await child.join({ timeout: GRACE })) === null) {
      child.terminate();
      if ((await child.join({ timeout: GRACE })) === null) {
        child.kill();
        await child.join();
      }
    }
    await answered;
  }

  /**
   * Waits until the manager's process has ended.
   *
   * @returns whether it has.
   * @throws StateError (ERR_MULTIPROC_STATE) before the start; `signal.reason`.
   */
  async join(options?: WaitOptions | null): Promise<boolean> {
    if (this.#process === undefined) throw new StateError('Cannot join the manager: it has not been started');
    return (await this.#process.join(options)) !== null;
  }

  /** What it keeps and has done. What nobody uses any more is gone before that is counted. */
  async stats(): Promise<ManagerStats> {
    return (await this.#call('stats', [])) as ManagerStats;
  }

  /**
   * Makes an object of any kind.
   *
   * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) for a kind that is not registered; what its factory throws; StateError (ERR_MULTIPROC_STATE) before the start and after the
   *   shutdown.
   */
  async create<T extends object>(typeid: string, ...args: readonly unknown[]): Promise<Remote<T>> {
    return (await this.#call('create', [typeid, ...args])) as Remote<T>;
  }

  /** A list, of the items given. */
  async list<T = unknown>(items: Iterable<T> = []): Promise<ManagedList<T>> {
    return this.#make('list', [...items]);
  }

  /** A dict, of entries or of an object's properties. @throws TypeError (ERR_MULTIPROC_ARGUMENT) for keys that are objects. */
  async dict<K extends ManagedKey = string, V = unknown>(items: DictItems<K, V> = []): Promise<ManagedDict<K, V>> {
    return this.#make('dict', entriesOf(items));
  }

  /** A set. @throws TypeError (ERR_MULTIPROC_ARGUMENT) for items that are objects. */
  async set<T extends ManagedKey = ManagedKey>(items: Iterable<T> = []): Promise<ManagedSet<T>> {
    return this.#make('set', [...items]);
  }

  /** Attributes. */
  async Namespace<N extends object = Record<string, unknown>>(attributes?: N): Promise<ManagedNamespace<N>> {
    return this.#make('Namespace', Object.entries(attributes ?? {}));
  }

  /** A queue; `maxsize` 0: any number of items. */
  async Queue<T = unknown>(options?: number | { readonly maxsize?: number | undefined }): Promise<ManagedQueue<T>> {
    return this.#make('Queue', maxsizeOf(options));
  }

  /** A queue that knows what is unfinished. */
  async JoinableQueue<T = unknown>(
    options?: number | { readonly maxsize?: number | undefined },
  ): Promise<ManagedJoinableQueue<T>> {
    return this.#make('JoinableQueue', maxsizeOf(options));
  }

  async Lock(): Promise<ManagedLock> {
    return this.#make('Lock');
  }

  async RLock(): Promise<ManagedRLock> {
    return this.#make('RLock');
  }

  /** @throws RangeError (ERR_MULTIPROC_ARGUMENT). */
  async Semaphore(value = 1): Promise<ManagedSemaphore> {
    return this.#make('Semaphore', value);
  }

  /** @throws RangeError (ERR_MULTIPROC_ARGUMENT). */
  async BoundedSemaphore(value = 1): Promise<ManagedSemaphore> {
    return this.#make('BoundedSemaphore', value);
  }

  /** @param lock a Lock or RLock of this manager; default: an RLock of its own. */
  async Condition(lock?: ManagedLock | null): Promise<ManagedCondition> {
    return this.#make('Condition', lock ?? undefined);
  }

  async Event(): Promise<ManagedEvent> {
    return this.#make('Event');
  }

  /**
   * @param parties how many go on together.
   * @param options milliseconds for calls of `wait` that have none of their own; default: any.
   * @throws RangeError (ERR_MULTIPROC_ARGUMENT).
   */
  async Barrier(parties: number, options?: { readonly timeout?: number | undefined }): Promise<ManagedBarrier> {
    return this.#make('Barrier', parties, parseWait(options ?? undefined).timeout);
  }

  /** A value of any type; the code is for people. @throws TypeError (ERR_MULTIPROC_ARGUMENT) for what is no code. */
  async Value<T = unknown>(type: TypeCode, value: T): Promise<ManagedValue<T>> {
    return this.#make('Value', type, value);
  }

  /** Elements of one type: these, or so many zeros. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
  async Array<T = number>(type: TypeCode, items: Iterable<T> | number): Promise<ManagedArray<T>> {
    return this.#make('Array', type, typeof items === 'number' ? items : [...items]);
  }

  /** A pool whose workers the manager starts. @throws as `new Pool`. */
  async Pool(processes?: number): Promise<ManagedPool> {
    return this.#make('Pool', processes);
  }

  /** As {@link shutdown}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  toString(): string {
    const pid = this.#process === undefined ? '' : ` pid=${this.#process.pid}`;
    return `<${this.constructor.name}${pid} ${this.#phase}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  async #make<T>(typeid: string, ...args: readonly unknown[]): Promise<T> {
    return (await this.#call('create', [typeid, ...args])) as T;
  }

  async #call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#phase !== 'started' || this.#client === undefined)
      throw new StateError(
        `Cannot use the manager: it ${this.#phase === 'ended' ? 'was shut down' : 'has not been started'}`,
      );
    return this.#client.call(MANAGER, method, args, forEver, this);
  }

  /** Asks for the end; resolves when the manager has answered or ended, and its line is closed. */
  async #end(): Promise<void> {
    const client = this.#client;
    this.#phase = 'ended';
    this.#client = undefined;
    // Others have started it, and use it.
    if (this.#process !== undefined) await client?.call(MANAGER, 'shutdown', []).catch(() => undefined);
    client?.release();
  }
}

function maxsizeOf(options: number | { readonly maxsize?: number | undefined } | undefined): unknown {
  if (options === undefined || typeof options === 'number') return options;
  if (typeof options !== 'object')
    throw argumentTypeError(`Cannot make Queue: maxsize must be a number, received ${inspect(options)}`);
  return options.maxsize;
}
