/**
 * Locks in Redis.
 */
import { OverReleaseError, OwnerError, TimeoutError } from '../../errors.js';
import { parseWait, type Wait, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedHold, ManagedLock } from '../interfaces.js';
import { newId, RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';
import type { Session } from './session.js';

/* l:<id>   hash: reentry, owner (a session), token (which hold), count, fence, died */
const LOCK = `
local L = P..'l:'..ID
local reentry = redis.call('HGET', L, 'reentry')
if not reentry then return gone() end
reentry = reentry == '1'
`;

/** Makes a free lock; 1: its owner may take it again. */
export const NEW_LOCK = new Script(`
redis.call('HSETNX', P..'l:'..ID, 'fence', 0)
redis.call('HSETNX', P..'l:'..ID, 'reentry', ARGV[6])
return 1
`);

const ACQUIRE = new Script(`${LOCK}
if SAVED then return SAVED end
local owner = redis.call('HGET', L, 'owner')
if owner then
  if not reentry or owner ~= SID then return {0} end
  redis.call('HINCRBY', L, 'count', 1)
  return keep({1, 0, tonumber(redis.call('HGET', L, 'fence'))})
end
local fence = redis.call('HINCRBY', L, 'fence', 1)
local died = redis.call('HDEL', L, 'died')
redis.call('HSET', L, 'owner', SID, 'token', ARGV[6], 'count', 1)
redis.call('HSET', H, 'l|'..ID, 1)
return keep({1, died, fence})
`);

const RELEASE = new Script(`${LOCK}
if SAVED then return SAVED end
local owner = redis.call('HGET', L, 'owner')
if not owner then return {-1} end
if (reentry or ARGV[6] ~= '') and owner ~= SID then return {-2} end
if ARGV[6] ~= '' and not reentry and redis.call('HGET', L, 'token') ~= ARGV[6] then return {-2} end
if redis.call('HINCRBY', L, 'count', -1) > 0 then return keep({0}) end
redis.call('HDEL', L, 'owner', 'token', 'count')
redis.call('HDEL', P..'H:'..owner, 'l|'..ID)
ring(ID)
return keep({0})
`);

/** A lock that is held. */
export interface RedisHold extends ManagedHold {
  /** Grows with every owner of the lock: what a resource has seen a greater one of, it refuses. */
  readonly fence: number;
  /** Aborts when the lease is lost, and with it the lock. */
  readonly signal: AbortSignal;
}

interface Acquired {
  readonly session: Session;
  readonly token: string;
  readonly ownerDied: boolean;
  readonly fence: number;
}

/**
 * A lock in Redis. Who holds it has a lease, which a thread of its own renews: a process that is killed, or cannot reach the engine for the time of the lease, loses it, and the next owner is told.
 *
 * ```js
 * const hold = await lock.hold();
 * await store.write(data, { fence: hold.fence, signal: hold.signal });
 * await hold.release();
 * ```
 */
export class RedisLock extends RedisObject implements ManagedLock {
  /** @returns false when the time was over. */
  async acquire(options?: WaitOptions | null): Promise<boolean> {
    return (await this.#acquire(parseWait(options))) !== undefined;
  }

  /** Frees it, whoever has acquired it. @throws OverReleaseError (ERR_MULTIPROC_OVER_RELEASE) when it is free. */
  async release(): Promise<void> {
    const session = await this.engine('release Lock').session();
    await this.#release(session, '');
  }

  async locked(): Promise<boolean> {
    const session = await this.engine('look at Lock').session();
    return (await session.command(['HEXISTS', this.key('l'), 'owner'], 'look at Lock')) === 1;
  }

  /** @throws TimeoutError (ERR_MULTIPROC_TIMEOUT). */
  async hold(options?: WaitOptions | null): Promise<RedisHold> {
    const acquired = await this.#acquire(parseWait(options));
    if (acquired === undefined) throw new TimeoutError('Cannot hold Lock: somebody has it, and the time was over');
    const { session, token, ownerDied, fence } = acquired;
    let isHeld = true;
    const release = async (): Promise<void> => {
      if (!isHeld) return;
      isHeld = false;
      await this.#release(session, token);
    };
    return { ownerDied, fence, signal: session.lost, release, [Symbol.asyncDispose]: release };
  }

  /** Runs `fn` while the lock is held. */
  async run<R>(fn: (hold: RedisHold) => R | Promise<R>, options?: WaitOptions | null): Promise<R> {
    const hold = await this.hold(options);
    try {
      return await fn(hold);
    } finally {
      await hold.release();
    }
  }

  #acquire(wait: Wait): Promise<Acquired | undefined> {
    const action = 'acquire Lock';
    return this.engine(action).wait<Acquired>(
      this.id,
      wait,
      async (session) => {
        const token = newId();
        const reply = await this.operateIn(session, ACQUIRE, [token], action);
        const [taken, died, fence] = reply as [number, number, number];
        return taken === 0 ? undefined : { session, token, ownerDied: died === 1, fence };
      },
      ({ token }, session) => this.#release(session, token),
    );
  }

  async #release(session: Session, token: string): Promise<void> {
    const reply = await session.run(RELEASE, this.id, [token], 'release Lock');
    const [outcome] = reply as [number];
    if (outcome === -1) throw new OverReleaseError('Cannot release Lock: it is free');
    if (outcome === -2) throw new OwnerError('Cannot release Lock: somebody else has it');
  }
}

/** A lock in Redis that its owner, a thread, may take again; the engine knows which kind it is. */
export class RedisRLock extends RedisLock {}

registerRedisClass(RedisLock);
registerRedisClass(RedisRLock);
