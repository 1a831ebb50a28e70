/**
 * Dicts and namespaces in Redis.
 */
import { inspect } from 'node:util';
import { argumentTypeError, NotFoundError } from '../../errors.js';
import type { DictItems, ManagedDict, ManagedKey, ManagedNamespace, ManagedSet } from '../interfaces.js';
import { decodeValue, encodeValue, RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';

/*
 *   d:<id>    hash: seq, the number of the last key that came
 *   …:v       hash: values by keys
 *   …:o       sorted set: keys in the order in which they came
 */
const DICT = `
local O = P..'d:'..ID
if redis.call('EXISTS', O) == 0 then return gone() end
local function put(key, value)
  if redis.call('HSET', O..':v', key, value) == 1 then redis.call('ZADD', O..':o', redis.call('HINCRBY', O, 'seq', 1), key) end
end
local function take(key)
  local value = redis.call('HGET', O..':v', key)
  redis.call('HDEL', O..':v', key)
  redis.call('ZREM', O..':o', key)
  return value
end
`;

/** Makes an empty dict. */
export const NEW_DICT = new Script(`
redis.call('HSETNX', P..'d:'..ID, 'seq', 0)
return 1
`);

const GET = new Script(`${DICT}
return {redis.call('HGET', O..':v', ARGV[6])}
`);

const PUT = new Script(`${DICT}
if SAVED then return SAVED end
for i = 6, #ARGV, 2 do put(ARGV[i], ARGV[i + 1]) end
return keep({1})
`);

const PUT_IF_ABSENT = new Script(`${DICT}
if SAVED then return SAVED end
local value = redis.call('HGET', O..':v', ARGV[6])
if value then return {value} end
put(ARGV[6], ARGV[7])
return keep({ARGV[7]})
`);

const TAKE = new Script(`${DICT}
if SAVED then return SAVED end
local key = ARGV[6] or redis.call('ZRANGE', O..':o', -1, -1)[1]
if not key then return {} end
local value = take(key)
if not value then return {} end
return keep({key, value})
`);

const CLEAR = new Script(`${DICT}
if SAVED then return SAVED end
redis.call('DEL', O..':v', O..':o')
return keep({1})
`);

const ENTRIES = new Script(`${DICT}
local reply = {}
for _, key in ipairs(redis.call('ZRANGE', O..':o', 0, -1)) do
  reply[#reply + 1] = key
  reply[#reply + 1] = redis.call('HGET', O..':v', key)
end
return reply
`);

const SIZE = new Script(`${DICT}
return redis.call('HLEN', O..':v')
`);

function keyBytes(key: unknown): Buffer {
  if (key !== null && !['string', 'number', 'bigint', 'boolean'].includes(typeof key))
    throw argumentTypeError(
      `Cannot use as a key: expected a text, number or the like, received ${inspect(key, { depth: 0 })}`,
    );
  return encodeValue(Object.is(key, -0) ? 0 : key);
}

function itemsOf<K extends ManagedKey, V>(items: DictItems<K, V> | undefined): Buffer[] {
  if (items === undefined) return [];
  const entries = Symbol.iterator in items ? [...items] : Object.entries(items);
  return entries.flatMap(([key, value]) => [keyBytes(key), encodeValue(value)]);
}

/** A dict in Redis: keys in the order in which they came. */
export class RedisDict<K extends ManagedKey = string, V = unknown> extends RedisObject implements ManagedDict<K, V> {
  async get(key: K, otherwise?: V): Promise<V> {
    const [bytes] = (await this.operate(GET, [keyBytes(key)], 'get from dict')) as [Buffer | null];
    return bytes === null ? (otherwise as V) : (decodeValue(bytes) as V);
  }

  async set(key: K, value: V): Promise<void> {
    await this.operate(PUT, [keyBytes(key), encodeValue(value)], 'set in dict');
  }

  async has(key: K): Promise<boolean> {
    const [bytes] = (await this.operate(GET, [keyBytes(key)], 'look into dict')) as [Buffer | null];
    return bytes !== null;
  }

  async delete(key: K): Promise<boolean> {
    return (await this.#take([keyBytes(key)])) !== undefined;
  }

  async pop(key: K, ...otherwise: readonly V[]): Promise<V> {
    const taken = await this.#take([keyBytes(key)]);
    if (taken !== undefined) return taken[1];
    if (otherwise.length > 0) return otherwise[0] as V;
    throw new NotFoundError(`Cannot pop from dict: it has no key ${inspect(key)}`);
  }

  async popitem(): Promise<[K, V]> {
    const taken = await this.#take([]);
    if (taken === undefined) throw new NotFoundError('Cannot pop from dict: it is empty');
    return taken;
  }

  async setdefault(key: K, value: V): Promise<V> {
    const [bytes] = (await this.operate(PUT_IF_ABSENT, [keyBytes(key), encodeValue(value)], 'set in dict')) as [Buffer];
    return decodeValue(bytes) as V;
  }

  async update(items: DictItems<K, V>): Promise<void> {
    await this.operate(PUT, itemsOf(items), 'update dict');
  }

  async keys(): Promise<K[]> {
    return (await this.entries()).map(([key]) => key);
  }

  async values(): Promise<V[]> {
    return (await this.entries()).map(([, value]) => value);
  }

  async entries(): Promise<[K, V][]> {
    const reply = (await this.operate(ENTRIES, [], 'read dict')) as Buffer[];
    const entries: [K, V][] = [];
    for (let at = 0; at < reply.length; at += 2)
      entries.push([decodeValue(reply[at]) as K, decodeValue(reply[at + 1]) as V]);
    return entries;
  }

  async clear(): Promise<void> {
    await this.operate(CLEAR, [], 'clear dict');
  }

  async size(): Promise<number> {
    return (await this.operate(SIZE, [], 'look into dict')) as number;
  }

  async copy(): Promise<Record<string, V> | Map<K, V>> {
    return this.value();
  }

  async value(): Promise<Record<string, V> | Map<K, V>> {
    const entries = await this.entries();
    if (entries.every(([key]) => typeof key === 'string')) return Object.fromEntries(entries) as Record<string, V>;
    return new Map(entries);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<[K, V], void, undefined> {
    yield* await this.entries();
  }

  async #take(key: readonly Buffer[]): Promise<[K, V] | undefined> {
    const [key0, value] = (await this.operate(TAKE, key, 'pop from dict')) as Buffer[];
    return key0 === undefined ? undefined : [decodeValue(key0) as K, decodeValue(value) as V];
  }
}

/** Attributes in Redis. */
export class RedisNamespace<N extends object = Record<string, unknown>>
  extends RedisObject
  implements ManagedNamespace<N>
{
  /** @throws NotFoundError when there is no such attribute. */
  async get<K extends keyof N & string>(name: K): Promise<N[K]> {
    const [bytes] = (await this.operate(GET, [keyBytes(name)], 'get from Namespace')) as [Buffer | null];
    if (bytes === null) throw new NotFoundError(`Cannot get from Namespace: it has no ${inspect(name)}`);
    return decodeValue(bytes) as N[K];
  }

  async set<K extends keyof N & string>(name: K, value: N[K]): Promise<void> {
    await this.operate(PUT, [keyBytes(name), encodeValue(value)], 'set in Namespace');
  }

  async delete(name: keyof N & string): Promise<boolean> {
    const taken = (await this.operate(TAKE, [keyBytes(name)], 'delete from Namespace')) as Buffer[];
    return taken.length > 0;
  }

  async value(): Promise<N> {
    const reply = (await this.operate(ENTRIES, [], 'read Namespace')) as Buffer[];
    const entries: [string, unknown][] = [];
    for (let at = 0; at < reply.length; at += 2)
      entries.push([decodeValue(reply[at]) as string, decodeValue(reply[at + 1])]);
    return Object.fromEntries(entries) as N;
  }
}

/** A set in Redis: keys of a dict. */
export class RedisSet<T extends ManagedKey = ManagedKey> extends RedisObject implements ManagedSet<T> {
  async add(item: T): Promise<void> {
    await this.update([item]);
  }

  async has(item: T): Promise<boolean> {
    const [bytes] = (await this.operate(GET, [keyBytes(item)], 'look into set')) as [Buffer | null];
    return bytes !== null;
  }

  async delete(item: T): Promise<boolean> {
    return ((await this.operate(TAKE, [keyBytes(item)], 'delete from set')) as Buffer[]).length > 0;
  }

  async pop(): Promise<T> {
    const [item] = (await this.operate(TAKE, [], 'pop from set')) as Buffer[];
    if (item === undefined) throw new NotFoundError('Cannot pop from set: it is empty');
    return decodeValue(item) as T;
  }

  async update(items: Iterable<T>): Promise<void> {
    await this.operate(PUT, membersOf(items), 'add to set');
  }

  async clear(): Promise<void> {
    await this.operate(CLEAR, [], 'clear set');
  }

  async size(): Promise<number> {
    return (await this.operate(SIZE, [], 'look into set')) as number;
  }

  async value(): Promise<Set<T>> {
    const reply = (await this.operate(ENTRIES, [], 'read set')) as Buffer[];
    return new Set(reply.filter((_bytes, at) => at % 2 === 0).map((bytes) => decodeValue(bytes) as T));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.value();
  }
}

/** Members of a set, each with a value that says nothing. */
export function membersOf(items: Iterable<ManagedKey>): (Buffer | string)[] {
  return [...items].flatMap((item) => [keyBytes(item), '']);
}

/** Fills a new dict, namespace or set. */
export { PUT as FILL_DICT, itemsOf };

registerRedisClass(RedisDict);
registerRedisClass(RedisNamespace);
registerRedisClass(RedisSet);
