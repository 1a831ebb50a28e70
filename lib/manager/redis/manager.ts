/**
 * A manager whose objects are in Redis.
 */
import { inspect } from 'node:util';
import { argumentTypeError, PermissionError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import type { TypeCode } from '../../memory/element-types.js';
import type { DictItems, ManagedKey, ManagedLock, ManagedObjects } from '../interfaces.js';
import { forgetNamespace, keysWith, removeKeys, removeUnused } from './anonymous.js';
import { type Engine, engineAt, engineName, forgetEngine } from './engine.js';
import { checkEngine, DEFAULT_LEASE, newNamespace, prefixOf } from './engine-options.js';
import { parseRedisPool, type RedisPoolOptions } from './pool-making.js';
import { NEW_POOL } from './pool-scripts.js';
import { NEW_ARRAY, newElements, RedisArray } from './redis-array.js';
import { NEW_BARRIER, RedisBarrier } from './redis-barrier.js';
import { FILL_DICT, itemsOf, membersOf, NEW_DICT, RedisDict, RedisNamespace, RedisSet } from './redis-dict.js';
import { NEW_EVENT, RedisEvent } from './redis-event.js';
import { connectRedis } from './redis-client.js';
import { RedisCondition } from './redis-condition.js';
import { EXTEND, NEW_LIST, RedisList } from './redis-list.js';
import { NEW_LOCK, RedisLock, RedisRLock } from './redis-lock.js';
import { encodeValue, newId, type RedisObject } from './redis-object.js';
import { RedisPool } from './redis-pool.js';
import { NEW_QUEUE, RedisJoinableQueue, RedisQueue } from './redis-queue.js';
import { NEW_SEMAPHORE, RedisSemaphore } from './redis-semaphore.js';
import { formOf, NEW_VALUE, RedisValue } from './redis-value.js';
import type { Script, ScriptArgument } from './script.js';

/** Options of `Manager`. */
export interface RedisManagerOptions {
  /** Where the server is: `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. */
  readonly engine: string;
  /**
   * What keeps the keys of one program apart from those of others; 1 to 64 of `A-Z a-z 0-9 . _ -`. Default: a new one, whose objects are removed when nobody has used it for a minute or six leases, by whoever makes the next manager at
   * this server.
   */
  readonly namespace?: string | undefined;
  /**
   * Milliseconds after which a process that does not reach the engine has lost what it held: locks, permits, jobs. Default 10,000; the same for all who use one namespace. Here, and nowhere else in the library,
   * a timeout means death.
   */
  readonly lease?: number | undefined;
}

/**
 * Objects that are kept by a Redis server, which outlive any process and can be used from any machine. Proxies travel in messages and arguments, and by `attach(handle)`.
 *
 * - **A handle** has the address of the server as this manager was given it, so it must mean the same on all machines, and no password. Who attaches uses the one that a manager in the same process was made with, else `MULTIPROC_REDIS_USERNAME` and `MULTIPROC_REDIS_PASSWORD` of the environment.
 * - **Broken connections** are made again, and an operation that was under way is done once, as long as the lease lasts; when it is lost, it fails with BrokenPipeError, and may have been done or not.
 * - **Death**: what a process held is free, and what it worked on is delivered again, when its lease is over. A process that was stopped for longer, or cut off, has lost it too: `signal` of a hold or job says so, and `fence`
 *   lets others refuse what it still does.
 * - **What is kept** survives a restart of the server as far as the server's persistence goes.
 */
export class RedisManager implements ManagedObjects, AsyncDisposable {
  readonly #engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** What the keys of this manager's objects are kept apart by: for workers, and managers elsewhere. */
  get namespace(): string {
    return this.#engine.address.prefix.slice('multiproc:{'.length, -'}:'.length);
  }

  async list<T = unknown>(items: Iterable<T> = []): Promise<RedisList<T>> {
    const list = await this.#make<RedisList<T>>(RedisList, NEW_LIST, []);
    const bytes = Array.from(items, encodeValue);
    if (bytes.length > 0) await this.#fill(list.id, EXTEND, bytes);
    return list.object;
  }

  async dict<K extends ManagedKey = string, V = unknown>(items?: DictItems<K, V>): Promise<RedisDict<K, V>> {
    const bytes = itemsOf(items);
    const dict = await this.#make<RedisDict<K, V>>(RedisDict, NEW_DICT, []);
    if (bytes.length > 0) await this.#fill(dict.id, FILL_DICT, bytes);
    return dict.object;
  }

  async set<T extends ManagedKey = ManagedKey>(items: Iterable<T> = []): Promise<RedisSet<T>> {
    const members = membersOf(items);
    const set = await this.#make<RedisSet<T>>(RedisSet, NEW_DICT, []);
    if (members.length > 0) await this.#fill(set.id, FILL_DICT, members);
    return set.object;
  }

  async Namespace<N extends object = Record<string, unknown>>(attributes?: N): Promise<RedisNamespace<N>> {
    const bytes = itemsOf(attributes as DictItems | undefined);
    const namespace = await this.#make<RedisNamespace<N>>(RedisNamespace, NEW_DICT, []);
    if (bytes.length > 0) await this.#fill(namespace.id, FILL_DICT, bytes);
    return namespace.object;
  }

  async Queue<T = unknown>(options?: number | { readonly maxsize?: number | undefined }): Promise<RedisQueue<T>> {
    return (await this.#make<RedisQueue<T>>(RedisQueue, NEW_QUEUE, [maxsizeOf(options)])).object;
  }

  async JoinableQueue<T = unknown>(
    options?: number | { readonly maxsize?: number | undefined },
  ): Promise<RedisJoinableQueue<T>> {
    return (await this.#make<RedisJoinableQueue<T>>(RedisJoinableQueue, NEW_QUEUE, [maxsizeOf(options)])).object;
  }

  async Lock(): Promise<RedisLock> {
    return (await this.#make(RedisLock, NEW_LOCK, [0])).object;
  }

  async RLock(): Promise<RedisRLock> {
    return (await this.#make(RedisRLock, NEW_LOCK, [1])).object;
  }

  async Semaphore(value = 1): Promise<RedisSemaphore> {
    checkInteger(value, 0, 2 ** 31, 'value', 'make Semaphore');
    return (await this.#make(RedisSemaphore, NEW_SEMAPHORE, [value, -1])).object;
  }

  async BoundedSemaphore(value = 1): Promise<RedisSemaphore> {
    checkInteger(value, 0, 2 ** 31, 'value', 'make BoundedSemaphore');
    return (await this.#make(RedisSemaphore, NEW_SEMAPHORE, [value, value])).object;
  }

  /** @param lock a Lock or RLock of this manager; default: an RLock of its own. @throws TypeError (ERR_MULTIPROC_ARGUMENT). */
  async Condition(lock?: ManagedLock | null): Promise<RedisCondition> {
    const own = lock ?? (await this.RLock());
    const place = own instanceof RedisLock ? own.handle.split('/') : [];
    const name = place.at(-1) ?? '';
    if (!own.handle.startsWith(`multiproc:redis:${engineName(this.#engine.address)}/`) || name === '')
      throw argumentTypeError(
        `Cannot make Condition: lock must be a Lock or RLock of this manager, received ${inspect(lock)}`,
      );
    return new RedisCondition(this.#engine, `${newId()}${name}`);
  }

  /**
   * A pool whose tasks are done by workers that `npx multiproc worker` has started, on any machine.
   *
   * @param options a number, as other managers take it, is not looked at: how many work is up to who starts them.
   * @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT).
   */
  async Pool(options?: number | RedisPoolOptions | null): Promise<RedisPool> {
    return (await this.#make(RedisPool, NEW_POOL, parseRedisPool(options))).object;
  }

  async Event(): Promise<RedisEvent> {
    return (await this.#make(RedisEvent, NEW_EVENT, [])).object;
  }

  async Barrier(parties: number): Promise<RedisBarrier> {
    checkInteger(parties, 1, 2 ** 31, 'parties', 'make Barrier');
    return (await this.#make(RedisBarrier, NEW_BARRIER, [parties])).object;
  }

  /** @param _type is not looked at, as in Python: a managed value takes what it is given. */
  async Value<T = unknown>(_type: TypeCode, value: T): Promise<RedisValue<T>> {
    return (await this.#make<RedisValue<T>>(RedisValue, NEW_VALUE, formOf(value))).object;
  }

  /** Elements of one type: these, or so many zeros. @throws TypeError, RangeError (ERR_MULTIPROC_ARGUMENT). */
  async Array<T = number>(type: TypeCode, items: Iterable<T> | number): Promise<RedisArray<T>> {
    return (await this.#make<RedisArray<T>>(RedisArray, NEW_ARRAY, newElements(type, items))).object;
  }

  /** Removes all objects of the namespace from the engine, for everybody, and leaves it. */
  async shutdown(): Promise<void> {
    const session = await this.#engine.session();
    const { prefix, url } = this.#engine.address;
    const found = await keysWith(session, `${prefix}*`, 'shut down Manager');
    await forgetNamespace(session, prefix);
    await this.#engine.close();
    forgetEngine(this.#engine);
    const client = await connectRedis(url);
    try {
      await removeKeys((part) => client.sendCommand(['UNLINK', ...part], {}), found);
    } finally {
      client.destroy();
    }
  }

  /** Leaves the engine; what is there stays. What this thread holds is given back. */
  async close(): Promise<void> {
    await this.#engine.close();
    forgetEngine(this.#engine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Such as `<RedisManager redis://localhost:6379>`. */
  toString(): string {
    const [url = ''] = engineName(this.#engine.address).split('/');
    return `<RedisManager ${decodeURIComponent(url)}>`;
  }

  /** @internal */
  [inspect.custom](): string {
    return this.toString();
  }

  async #make<O extends RedisObject>(
    redisClass: new (engine: Engine, id: string) => O,
    script: Script,
    args: readonly ScriptArgument[],
  ): Promise<{ readonly object: O; readonly id: string }> {
    const id = newId();
    const session = await this.#engine.session();
    await session.run(script, id, args, `make ${redisClass.name.slice('Redis'.length)}`);
    return { object: new redisClass(this.#engine, id), id };
  }

  async #fill(id: string, script: Script, args: readonly ScriptArgument[]): Promise<void> {
    const session = await this.#engine.session();
    await session.run(script, id, args, 'fill a managed object');
  }
}

function maxsizeOf(options: number | { readonly maxsize?: number | undefined } | undefined): number {
  const maxsize = typeof options === 'number' ? options : (options?.maxsize ?? 0);
  return checkInteger(maxsize, 0, 2 ** 31, 'maxsize', 'make Queue');
}

/**
 * A manager of objects in a Redis server. Needs the package `redis`, which the library itself does not bring.
 *
 * ```js
 * const manager = await createRedisManager({ engine: 'redis://localhost:6379', namespace: 'shop' });
 * const orders = await manager.JoinableQueue();
 * ```
 *
 * @throws NotFoundError (ERR_MULTIPROC_NOT_FOUND) when nobody answers there, or the package is not installed; PermissionError for a wrong password; TypeError, RangeError (ERR_MULTIPROC_ARGUMENT).
 */
export async function createRedisManager(options: RedisManagerOptions): Promise<RedisManager> {
  const action = 'make a manager';
  const { engine, namespace = newNamespace(), lease = DEFAULT_LEASE } = options;
  const url = checkEngine(engine, lease, action);
  const found = engineAt({ url, prefix: prefixOf(namespace, action), lease });
  await removeUnused(await found.session(0)).catch((error: unknown) => {
    // Who may use only its own keys leaves the others to others.
    if (!(error instanceof PermissionError)) throw error;
  });
  return new RedisManager(found);
}
