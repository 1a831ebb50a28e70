/**
 * Conditions in Redis.
 */
import { OwnerError } from '../../errors.js';
import { now } from '../../internal/clock.js';
import { checkInteger } from '../../internal/shared-object.js';
import { forEver, parseWait, type Wait, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedCondition } from '../interfaces.js';
import { CONDITION_STEPS } from './condition-steps.js';
import type { Engine } from './engine.js';
import { leaseLost } from './redis-client.js';
import { type RedisHold, RedisLock } from './redis-lock.js';
import { newId, RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';
import type { Session } from './session.js';

const CONDITION = `${CONDITION_STEPS}
local LOCK, X = string.sub(ID, 25), P..'x:'..ID
local L = P..'l:'..LOCK
if redis.call('EXISTS', L) == 0 then return gone() end
if SAVED then return SAVED end
local owner = redis.call('HGET', L, 'owner')
`;

/* Takes a place and lets go of the lock, in one step: whoever has it next can notify this one. */
const BEGIN = new Script(`${CONDITION}
if owner ~= SID then return {-2} end
local held = redis.call('HMGET', L, 'token', 'count')
redis.call('ZADD', X..':w', redis.call('HINCRBY', L, 'places', 1), ARGV[6])
redis.call('HSET', H, 'x|'..ID..'|'..ARGV[6], 1)
redis.call('HDEL', L, 'owner', 'token', 'count')
redis.call('HDEL', H, 'l|'..LOCK)
ring(LOCK)
return keep(held)
`);

/*
 * Place, token, count, and 1 if it must have been notified. The notification is used up, and the lock taken, in one step: a death before it leaves the notification to others, one after it is an owner's. Asked again by
 * who has got the lock for this place already, it says so. That an owner died is for the next `hold` to tell.
 */
const RESUME = new Script(`${CONDITION}
local got = redis.call('HMGET', L, 'place', 'notified')
if owner == SID and got[1] == ARGV[6] then return {1, tonumber(got[2])} end
local notified = redis.call('SISMEMBER', X..':n', ARGV[6])
if owner or (ARGV[9] == '1' and notified == 0) then return {0} end
redis.call('SREM', X..':n', ARGV[6])
redis.call('ZREM', X..':w', ARGV[6])
redis.call('HDEL', H, 'x|'..ID..'|'..ARGV[6])
redis.call('HINCRBY', L, 'fence', 1)
redis.call('HSET', L, 'owner', SID, 'token', ARGV[7], 'count', ARGV[8], 'place', ARGV[6], 'notified', notified)
redis.call('HSET', H, 'l|'..LOCK, 1)
return keep({1, notified})
`);

/* Waits no longer for a notification. 1: one that is there already goes to somebody else. */
const GIVE_UP = new Script(`${CONDITION}
if ARGV[7] == '1' then leaveCondition(ID, ARGV[6]) else redis.call('ZREM', X..':w', ARGV[6]) end
return keep({1})
`);

const NOTIFY = new Script(`${CONDITION}
if owner ~= SID then return {-2} end
local n = tonumber(ARGV[6])
if n == 0 then n = redis.call('ZCARD', X..':w') end
if n > 0 then notifyFirst(ID, n) end
return keep({1})
`);

const ALL = 0;

/**
 * A condition in Redis, with the methods of its lock. Whoever dies before he has got the lock after a notification leaves that to the next one. After a `wait` the lock has another `fence`.
 *
 * ```js
 * const condition = await manager.Condition();
 * await condition.run(() => condition.waitFor(async () => (await list.length()) > 0));
 * ```
 */
export class RedisCondition extends RedisObject implements ManagedCondition {
  readonly #lock: RedisLock;

  /** @internal */
  constructor(engine: Engine, id: string) {
    super(engine, id);
    this.#lock = new RedisLock(engine, id.slice(-24));
  }

  async acquire(options?: WaitOptions | null): Promise<boolean> {
    return this.#locking('acquire').acquire(options);
  }

  async release(): Promise<void> {
    return this.#locking('release').release();
  }

  async locked(): Promise<boolean> {
    return this.#locking('look at').locked();
  }

  async hold(options?: WaitOptions | null): Promise<RedisHold> {
    return this.#locking('hold').hold(options);
  }

  async run<R>(fn: (hold: RedisHold) => R | Promise<R>, options?: WaitOptions | null): Promise<R> {
    return this.#locking('hold').run(fn, options);
  }

  /**
   * Waits for a notification, with the lock released meanwhile, and then for the lock, however it ended.
   *
   * @returns false when the time was over.
   * @throws OwnerError (ERR_MULTIPROC_OWNER) without the lock; `signal.reason`; BrokenPipeError when the lease is lost, and then without the lock.
   */
  async wait(options?: WaitOptions | null): Promise<boolean> {
    const action = 'wait for Condition';
    const wait = parseWait(options);
    const session = await this.engine(action).session();
    const place = newId();
    const [token, count] = (await this.operateIn(session, BEGIN, [place], action)) as [Buffer | number, Buffer?];
    if (count === undefined) throw new OwnerError('Cannot wait for Condition: its lock is not held by this thread');
    const resume = (must: 0 | 1, within: Wait): Promise<boolean | undefined> =>
      this.#resume(session, [place, String(token), String(count), must], within);
    let given: { readonly error: unknown } | undefined;
    try {
      const notified = await resume(1, wait);
      if (notified !== undefined) return notified;
    } catch (error) {
      given = { error };
    }
    if (session.lost.aborted) throw given === undefined ? leaseLost(action) : given.error;
    await session.run(GIVE_UP, this.id, [place, given === undefined ? 0 : 1], action);
    const notified = await resume(0, forEver);
    if (given !== undefined) throw given.error;
    return notified === true;
  }

  async waitFor(predicate: () => unknown, options?: WaitOptions | null): Promise<boolean> {
    const { timeout, signal } = parseWait(options);
    const deadline = now() + timeout;
    for (;;) {
      if (await predicate()) return true;
      const left = deadline - now();
      if (left <= 0) return false;
      await this.wait({ timeout: left, signal: signal ?? null });
    }
  }

  /** Lets so many go on who wait. @throws OwnerError (ERR_MULTIPROC_OWNER) without the lock. */
  async notify(n = 1): Promise<void> {
    await this.#notify(checkInteger(n, 1, 2 ** 31, 'n', 'notify Condition'));
  }

  /** Lets all go on who wait. @throws OwnerError (ERR_MULTIPROC_OWNER) without the lock. */
  async notifyAll(): Promise<void> {
    await this.#notify(ALL);
  }

  async #notify(n: number): Promise<void> {
    const [done] = (await this.operate(NOTIFY, [n], 'notify Condition')) as [number];
    if (done === -2) throw new OwnerError('Cannot notify Condition: its lock is not held by this thread');
  }

  /** @returns whether it was notified; `undefined` when the time was over. */
  #resume(session: Session, args: readonly (string | number)[], wait: Wait): Promise<boolean | undefined> {
    const action = 'wait for Condition';
    return this.engine(action).wait(this.id.slice(-24), wait, async (current) => {
      // Another session has no place here.
      if (current !== session) throw leaseLost(action);
      const [done, notified] = (await session.run(RESUME, this.id, args, action)) as [number, number?];
      return done === 0 ? undefined : notified === 1;
    });
  }

  #locking(action: string): RedisLock {
    this.engine(`${action} Condition`);
    return this.#lock;
  }
}

registerRedisClass(RedisCondition);
