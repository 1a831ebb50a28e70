/**
 * Queues in Redis.
 */
import { Empty, Full, OverReleaseError, ShutDownError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import { notAtAll, parseWait, type Wait, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedJob, ManagedJoinableQueue, ManagedQueue } from '../interfaces.js';
import { decodeValue, encodeValue, RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';
import type { Session } from './session.js';

/*
 *   q:<id>     hash: maxsize, seq (number of the last message), unfinished, shutdown
 *   …:r        sorted set: numbers of the messages that can be taken
 *   …:b        hash: messages by number
 *   …:t        hash: who has taken which
 *   …:a        hash: how often each was taken
 */
const QUEUE = `
local Q = P..'q:'..ID
if redis.call('EXISTS', Q) == 0 then return gone() end
`;

/** Makes a queue of at most so many messages; 0: any number. */
export const NEW_QUEUE = new Script(`
redis.call('HSETNX', P..'q:'..ID, 'maxsize', ARGV[6])
return 1
`);

const PUT = new Script(`${QUEUE}
if SAVED then return SAVED end
local meta = redis.call('HMGET', Q, 'maxsize', 'shutdown')
if meta[2] then return {'shutdown'} end
local max, size, n = tonumber(meta[1]), redis.call('HLEN', Q..':b'), 0
for i = 6, #ARGV do
  if max > 0 and size + n >= max then break end
  local message = redis.call('HINCRBY', Q, 'seq', 1)
  redis.call('HSET', Q..':b', message, ARGV[i])
  redis.call('ZADD', Q..':r', message, message)
  n = n + 1
end
if n == 0 then return {0} end
redis.call('HINCRBY', Q, 'unfinished', n)
ring(ID)
return keep({n})
`);

const CLAIM = new Script(`${QUEUE}
local taken = SAVED
if not taken then
  taken = {}
  local found = redis.call('ZPOPMIN', Q..':r', ARGV[6])
  for i = 1, #found, 2 do
    local message = found[i]
    redis.call('HSET', Q..':t', message, SID)
    redis.call('HINCRBY', Q..':a', message, 1)
    redis.call('HSET', H, 'q|'..ID..'|'..message, 1)
    taken[#taken + 1] = message
  end
  if #taken == 0 then
    if redis.call('HEXISTS', Q, 'shutdown') == 1 and redis.call('HLEN', Q..':t') == 0 then return {'shutdown'} end
    return {}
  end
  keep(taken)
end
local reply = {}
for _, message in ipairs(taken) do
  if redis.call('HGET', Q..':t', message) == SID then
    reply[#reply + 1] = message
    reply[#reply + 1] = redis.call('HGET', Q..':a', message)
    reply[#reply + 1] = redis.call('HGET', Q..':b', message)
  end
end
return reply
`);

/** Ends claims: which of the messages were still the session's. */
const CONSUME = new Script(`${QUEUE}
if SAVED then return SAVED end
local ended = {}
for i = 7, #ARGV do
  local message = ARGV[i]
  if redis.call('HGET', Q..':t', message) == SID then
    redis.call('HDEL', Q..':t', message)
    redis.call('HDEL', Q..':b', message)
    redis.call('HDEL', Q..':a', message)
    redis.call('HDEL', H, 'q|'..ID..'|'..message)
    ended[#ended + 1] = message
  end
end
if ARGV[6] == '1' and #ended > 0 then redis.call('HINCRBY', Q, 'unfinished', -#ended) end
ring(ID)
return keep(ended)
`);

const REQUEUE = new Script(`${QUEUE}
if SAVED then return SAVED end
for i = 6, #ARGV do
  local message = ARGV[i]
  if redis.call('HGET', Q..':t', message) == SID then
    redis.call('HDEL', Q..':t', message)
    redis.call('HDEL', H, 'q|'..ID..'|'..message)
    redis.call('ZADD', Q..':r', message, message)
  end
end
ring(ID)
return keep({1})
`);

const TASK_DONE = new Script(`${QUEUE}
if SAVED then return SAVED end
if tonumber(redis.call('HGET', Q, 'unfinished') or '0') <= 0 then return {0} end
redis.call('HINCRBY', Q, 'unfinished', -1)
ring(ID)
return keep({1})
`);

const LOOK = new Script(`${QUEUE}
local meta = redis.call('HMGET', Q, 'maxsize', 'unfinished')
return {redis.call('ZCARD', Q..':r'), redis.call('HLEN', Q..':b'), tonumber(meta[1]), tonumber(meta[2] or '0')}
`);

const SHUT_DOWN = new Script(`${QUEUE}
if SAVED then return SAVED end
redis.call('HSET', Q, 'shutdown', 1)
if ARGV[6] == '1' then
  local dropped = redis.call('ZRANGE', Q..':r', 0, -1)
  for _, message in ipairs(dropped) do
    redis.call('HDEL', Q..':b', message)
    redis.call('HDEL', Q..':a', message)
  end
  redis.call('DEL', Q..':r')
  redis.call('HINCRBY', Q, 'unfinished', -#dropped)
end
ring(ID)
return keep({1})
`);

/** So many messages go in one step. */
const BATCH = 256;

/** A message that the session has taken. */
interface Claimed {
  readonly message: string;
  readonly attempts: number;
  readonly bytes: Buffer;
}

/**
 * A queue in Redis: messages in the order in which they were put. What was taken by who died before it had it comes again. A `put` that was given up while the engine did not answer may still have been done.
 *
 * ```js
 * const queue = await manager.Queue(100);
 * await queue.put({ n: 1 });
 * const message = await queue.get({ timeout: 5_000 });
 * ```
 */
export class RedisQueue<T = unknown> extends RedisObject implements ManagedQueue<T> {
  async put(item: T, options?: WaitOptions | null): Promise<void> {
    await this.#put([encodeValue(item)], parseWait(options));
  }

  async putNowait(item: T): Promise<void> {
    await this.#put([encodeValue(item)], notAtAll);
  }

  /** @returns how many were put: all of them. @throws Full, with `count`, when the time was over. */
  async putMany(items: Iterable<T>, options?: WaitOptions | null): Promise<number> {
    const wait = parseWait(options);
    return this.#put(Array.from(items, encodeValue), wait);
  }

  async get(options?: WaitOptions | null): Promise<T> {
    const [item] = await this.#get(1, parseWait(options));
    return item as T;
  }

  async getNowait(): Promise<T> {
    return this.get(notAtAll);
  }

  async getMany(max: number = BATCH, options?: WaitOptions | null): Promise<T[]> {
    return this.#get(checkInteger(max, 1, 2 ** 31, 'max', 'get from Queue'), parseWait(options));
  }

  async qsize(): Promise<number> {
    const [ready] = await this.look();
    return ready;
  }

  async empty(): Promise<boolean> {
    return (await this.qsize()) === 0;
  }

  async full(): Promise<boolean> {
    const [, all, maxsize] = await this.look();
    return maxsize > 0 && all >= maxsize;
  }

  async shutdown(options?: { readonly immediate?: boolean | undefined }): Promise<void> {
    await this.operate(SHUT_DOWN, [options?.immediate === true ? 1 : 0], 'shut down Queue');
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let item: T;
      try {
        item = await this.get();
      } catch (error) {
        if (error instanceof ShutDownError) return;
        throw error;
      }
      yield item;
    }
  }

  /** @internal Ready, all, maxsize, unfinished. */
  protected async look(): Promise<[number, number, number, number]> {
    return (await this.operate(LOOK, [], 'look at Queue')) as [number, number, number, number];
  }

  /** @internal Takes messages, which are the session's until it has consumed them. @throws Empty, ShutDownError. */
  protected async claim(max: number, wait: Wait): Promise<{ session: Session; claimed: Claimed[] }> {
    const action = 'get from Queue';
    const found = await this.engine(action).wait(
      this.id,
      wait,
      async (session) => {
        const reply = (await this.operateIn(session, CLAIM, [Math.min(max, BATCH)], action)) as Buffer[];
        if (reply.length === 0) return undefined;
        if (reply.length === 1) throw new ShutDownError('Cannot get from Queue: it was shut down');
        return { session, claimed: claimsOf(reply) };
      },
      ({ claimed }, session) => this.giveBack(session, claimed),
    );
    if (found === undefined) throw new Empty('Cannot get from Queue: it is empty');
    return found;
  }

  /** @internal */
  protected giveBack(session: Session, claimed: readonly Claimed[]): Promise<unknown> {
    const messages = claimed.map(({ message }) => message);
    return session.run(REQUEUE, this.id, messages, 'give back to Queue');
  }

  /** @internal @returns those that were still the session's. */
  protected async consume(session: Session, claimed: readonly Claimed[], finish: boolean): Promise<Set<string>> {
    const messages = claimed.map(({ message }) => message);
    const ended = await session.run(CONSUME, this.id, [finish ? 1 : 0, ...messages], 'get from Queue');
    return new Set((ended as Buffer[]).map(String));
  }

  async #put(items: readonly Buffer[], wait: Wait): Promise<number> {
    const action = 'put into Queue';
    let count = 0;
    const done = await this.engine(action).wait(this.id, wait, async (session) => {
      while (count < items.length) {
        const part = items.slice(count, count + BATCH);
        const [put] = (await this.operateIn(session, PUT, part, action)) as [number | Buffer];
        if (typeof put !== 'number') throw new ShutDownError('Cannot put into Queue: it was shut down', { count });
        if (put === 0) return undefined;
        count += put;
      }
      return true;
    });
    if (done === undefined) throw new Full('Cannot put into Queue: it is full', items.length === 1 ? {} : { count });
    return count;
  }

  /** A message is this process's when the engine knows it no more: until then, a death gives it to others. */
  async #get(max: number, wait: Wait): Promise<T[]> {
    for (;;) {
      const { session, claimed } = await this.claim(max, wait);
      const decoded = decodeAll(claimed);
      const whole = claimed.slice(0, Math.max(decoded.values.length, 1));
      if (whole.length < claimed.length) await this.giveBack(session, claimed.slice(whole.length));
      const mine = await this.consume(session, whole, false);
      if (decoded.values.length === 0 && mine.size > 0) throw decoded.error;
      const values = decoded.values.filter((_value, at) => mine.has(whole[at]?.message ?? ''));
      if (values.length > 0) return values as T[];
    }
  }
}

/** The values up to the first message that cannot be decoded. */
function decodeAll(claimed: readonly Claimed[]): { readonly values: unknown[]; readonly error: unknown } {
  const values: unknown[] = [];
  for (const { bytes } of claimed) {
    try {
      values.push(decodeValue(bytes));
    } catch (error) {
      return { values, error };
    }
  }
  return { values, error: undefined };
}

function claimsOf(reply: readonly Buffer[]): Claimed[] {
  const claimed: Claimed[] = [];
  for (let at = 0; at < reply.length; at += 3) {
    const [message, attempts, bytes] = reply.slice(at, at + 3) as [Buffer, Buffer, Buffer];
    claimed.push({ message: String(message), attempts: Number(String(attempts)), bytes });
  }
  return claimed;
}

/** A message that is being worked on. */
export interface RedisJob<T = unknown> extends ManagedJob<T> {
  /** Aborts when the lease is lost: the message is delivered again, and `done()` will be refused. */
  readonly signal: AbortSignal;
}

/**
 * A queue of tasks in Redis. What `take()` gives stays in the engine until `done()`: when who has it dies, or loses its lease, somebody else takes it, with one more attempt.
 *
 * ```js
 * const job = await queue.take();
 * await work(job.value, { signal: job.signal });
 * await job.done();
 * ```
 */
export class RedisJoinableQueue<T = unknown> extends RedisQueue<T> implements ManagedJoinableQueue<T> {
  async take(options?: WaitOptions | null): Promise<RedisJob<T>> {
    const { session, claimed } = await this.claim(1, parseWait(options));
    const [first] = claimed as [Claimed];
    let value: T;
    try {
      value = decodeValue(first.bytes) as T;
    } catch (error) {
      // Nobody else could decode it either.
      await this.consume(session, claimed, true);
      throw error;
    }
    return {
      value,
      attempts: first.attempts,
      signal: session.lost,
      done: async () => {
        const mine = await this.consume(session, claimed, true);
        if (!mine.has(first.message))
          throw new OverReleaseError("Cannot finish a job: it is not this process's any more");
      },
      requeue: async () => {
        await this.giveBack(session, claimed);
      },
    };
  }

  async taskDone(): Promise<void> {
    const [done] = (await this.operate(TASK_DONE, [], 'finish a task')) as [number];
    if (done === 0) throw new OverReleaseError('Cannot finish a task: none is unfinished');
  }

  async join(options?: WaitOptions | null): Promise<boolean> {
    const action = 'join JoinableQueue';
    const joined = await this.engine(action).wait(this.id, parseWait(options), async (session) => {
      const [, , , unfinished] = (await this.operateIn(session, LOOK, [], action)) as number[];
      return unfinished === 0 ? true : undefined;
    });
    return joined === true;
  }

  async unfinished(): Promise<number> {
    const [, , , unfinished] = await this.look();
    return unfinished;
  }
}

registerRedisClass(RedisQueue);
registerRedisClass(RedisJoinableQueue);
