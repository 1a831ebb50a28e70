/**
 * Lists in Redis.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import { argumentRangeError, argumentTypeError, NotFoundError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import type { ManagedList } from '../interfaces.js';
import { decodeValue, encodeValue, RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';

/*
 *   i:<id>    hash: version, which every change raises
 *   …:i       list: the items
 */
const LIST = `
local O = P..'i:'..ID
local I = O..':i'
if redis.call('EXISTS', O) == 0 then return gone() end
local function change() redis.call('HINCRBY', O, 'version', 1) end
local function fill(first)
  for i = first, #ARGV, 1000 do redis.call('RPUSH', I, unpack(ARGV, i, math.min(i + 999, #ARGV))) end
end
`;

/** Makes an empty list. */
export const NEW_LIST = new Script(`
redis.call('HSETNX', P..'i:'..ID, 'version', 0)
return 1
`);

/** Appends. */
export const EXTEND = new Script(`${LIST}
if SAVED then return SAVED end
change()
fill(6)
return keep({1})
`);

const POP = new Script(`${LIST}
if SAVED then return SAVED end
local index = tonumber(ARGV[6])
local item = redis.call('LINDEX', I, index)
if not item then return {} end
change()
if index == -1 then redis.call('RPOP', I)
elseif index == 0 then redis.call('LPOP', I)
else
  redis.call('LSET', I, index, '')
  redis.call('LREM', I, 1, '')
end
return keep({item})
`);

const SET = new Script(`${LIST}
if SAVED then return SAVED end
if not redis.call('LINDEX', I, ARGV[6]) then return {0} end
change()
redis.call('LSET', I, ARGV[6], ARGV[7])
return keep({1})
`);

const SLICE = new Script(`${LIST}
local reply = redis.call('LRANGE', I, ARGV[6], ARGV[7])
reply[#reply + 1] = redis.call('HGET', O, 'version')
return reply
`);

/* All items at once, if nobody has changed the list since it was read. */
const REPLACE = new Script(`${LIST}
if SAVED then return SAVED end
if redis.call('HGET', O, 'version') ~= ARGV[6] then return {0} end
change()
redis.call('DEL', I)
fill(7)
return keep({1})
`);

const LENGTH = new Script(`${LIST}
return redis.call('LLEN', I)
`);

/** A list in Redis. No item is empty to Redis, so an empty one can stand for what is being removed. */
export class RedisList<T = unknown> extends RedisObject implements ManagedList<T> {
  async append(item: T): Promise<void> {
    await this.operate(EXTEND, [encodeValue(item)], 'append to list');
  }

  async extend(items: Iterable<T>): Promise<void> {
    await this.operate(EXTEND, Array.from(items, encodeValue), 'extend list');
  }

  async insert(index: number, item: T): Promise<void> {
    checkIndex(index);
    const bytes = encodeValue(item);
    await this.#change((items) => {
      items.splice(index, 0, bytes);
    });
  }

  async pop(index = -1): Promise<T> {
    const [bytes] = (await this.operate(POP, [checkIndex(index)], 'pop from list')) as Buffer[];
    if (bytes === undefined) throw argumentRangeError(`Cannot pop from list: there is nothing at ${index}`);
    return decodeValue(bytes) as T;
  }

  async remove(item: T): Promise<void> {
    await this.#change((items) => {
      const at = items.findIndex((bytes) => isDeepStrictEqual(decodeValue(bytes), item));
      if (at < 0) throw new NotFoundError(`Cannot remove from list: it has no ${inspect(item, { depth: 0 })}`);
      items.splice(at, 1);
    });
  }

  async index(item: T, start = 0, stop = Infinity): Promise<number> {
    const items = await this.value();
    const begin = start < 0 ? Math.max(items.length + start, 0) : start;
    const end = stop < 0 ? items.length + stop : stop;
    const at = items.findIndex((each, place) => place >= begin && place < end && isDeepStrictEqual(each, item));
    if (at < 0) throw new NotFoundError(`Cannot find in list: it has no ${inspect(item, { depth: 0 })} there`);
    return at;
  }

  async count(item: T): Promise<number> {
    return (await this.value()).filter((each) => isDeepStrictEqual(each, item)).length;
  }

  async reverse(): Promise<void> {
    await this.#change((items) => {
      items.reverse();
    });
  }

  async sort(options?: { readonly reverse?: boolean | undefined }): Promise<void> {
    await this.#change((items) => {
      const sorted = items.map((bytes) => ({ bytes, value: decodeValue(bytes) }));
      for (const { value } of sorted) if (kindOf(value) !== kindOf(sorted[0]?.value)) throw noOrder(value);
      sorted.sort((left, right) => compare(left.value, right.value));
      if (options?.reverse === true) sorted.reverse();
      items.splice(0, Infinity, ...sorted.map(({ bytes }) => bytes));
    });
  }

  async clear(): Promise<void> {
    await this.#change((items) => {
      items.length = 0;
    });
  }

  async slice(start = 0, end = Infinity): Promise<T[]> {
    // Where negative ends count from is known only there; whole lists are read for them.
    if (start >= 0 && end >= 0) {
      if (end <= start) return [];
      const { items } = await this.#read(start, end === Infinity ? -1 : end - 1);
      return items.map((bytes) => decodeValue(bytes) as T);
    }
    return (await this.value()).slice(start, end);
  }

  async at(index: number): Promise<T | undefined> {
    checkIndex(index);
    const { items } = await this.#read(index, index);
    return items[0] === undefined ? undefined : (decodeValue(items[0]) as T);
  }

  async set(index: number, item: T): Promise<void> {
    const [done] = (await this.operate(SET, [checkIndex(index), encodeValue(item)], 'set in list')) as [number];
    if (done === 0) throw argumentRangeError(`Cannot set in list: there is nothing at ${index}`);
  }

  async length(): Promise<number> {
    return (await this.operate(LENGTH, [], 'look at list')) as number;
  }

  async value(): Promise<T[]> {
    const { items } = await this.#read(0, -1);
    return items.map((bytes) => decodeValue(bytes) as T);
  }

  /** By places: what others append meanwhile comes, too. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let at = 0; ; at += 1) {
      const { items } = await this.#read(at, at);
      if (items[0] === undefined) return;
      yield decodeValue(items[0]) as T;
    }
  }

  async #read(first: number, last: number): Promise<{ items: Buffer[]; version: Buffer }> {
    const items = (await this.operate(SLICE, [first, last], 'read list')) as Buffer[];
    const version = items.pop() as Buffer;
    return { items, version };
  }

  /** Changes all of it, again when others were faster. */
  async #change(change: (items: Buffer[]) => void): Promise<void> {
    for (;;) {
      const { items, version } = await this.#read(0, -1);
      change(items);
      const [done] = (await this.operate(REPLACE, [version, ...items], 'change list')) as [number];
      if (done === 1) return;
    }
  }
}

function checkIndex(index: number): number {
  return checkInteger(index, -(2 ** 31), 2 ** 31, 'index', 'use list');
}

function kindOf(value: unknown): string {
  const kind = typeof value;
  return kind === 'bigint' ? 'number' : kind;
}

function noOrder(value: unknown): TypeError {
  return argumentTypeError(`Cannot sort list: there is no order with ${inspect(value, { depth: 0 })} in it`);
}

function compare(left: unknown, right: unknown): number {
  if (kindOf(left) === 'object' || left === undefined) throw noOrder(left);
  const [a, b] = [left as number, right as number];
  return a < b ? -1 : a > b ? 1 : 0;
}

registerRedisClass(RedisList);
