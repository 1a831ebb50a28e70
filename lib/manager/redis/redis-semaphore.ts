/**
 * Semaphores in Redis.
 */
import { OverReleaseError, TimeoutError } from '../../errors.js';
import { checkInteger } from '../../internal/shared-object.js';
import { parseWait, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedSemaphore } from '../interfaces.js';
import { RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';

/* s:<id>   hash: value, bound (−1 for none) */
const SEMAPHORE = `
local O = P..'s:'..ID
if redis.call('EXISTS', O) == 0 then return gone() end
`;

/** Makes a semaphore of a value and bound. */
export const NEW_SEMAPHORE = new Script(`
redis.call('HSETNX', P..'s:'..ID, 'value', ARGV[6])
redis.call('HSETNX', P..'s:'..ID, 'bound', ARGV[7])
return 1
`);

const ACQUIRE = new Script(`${SEMAPHORE}
if SAVED then return SAVED end
if tonumber(redis.call('HGET', O, 'value')) <= 0 then return {0} end
redis.call('HINCRBY', O, 'value', -1)
redis.call('HINCRBY', H, 's|'..ID, 1)
return keep({1})
`);

const RELEASE = new Script(`${SEMAPHORE}
if SAVED then return SAVED end
local n = tonumber(ARGV[6])
local bound = tonumber(redis.call('HGET', O, 'bound'))
if bound >= 0 and tonumber(redis.call('HGET', O, 'value')) + n > bound then return {0} end
redis.call('HINCRBY', O, 'value', n)
if redis.call('HEXISTS', H, 's|'..ID) == 1 then drop(H, 's|'..ID, n) end
ring(ID)
return keep({1})
`);

/** A semaphore in Redis. What a process took and did not give back comes back when its lease is over. */
export class RedisSemaphore extends RedisObject implements ManagedSemaphore {
  /** @returns false when the time was over. */
  async acquire(options?: WaitOptions | null): Promise<boolean> {
    const action = 'acquire Semaphore';
    const taken = await this.engine(action).wait(
      this.id,
      parseWait(options),
      async (session) => {
        const [done] = (await this.operateIn(session, ACQUIRE, [], action)) as [number];
        return done === 1 ? true : undefined;
      },
      (_taken, session) => session.run(RELEASE, this.id, [1], action),
    );
    return taken === true;
  }

  /** @throws OverReleaseError (ERR_MULTIPROC_OVER_RELEASE) beyond the bound: nothing was released. */
  async release(n = 1): Promise<void> {
    const permits = checkInteger(n, 1, 2 ** 31, 'n', 'release Semaphore');
    const [done] = (await this.operate(RELEASE, [permits], 'release Semaphore')) as [number];
    if (done === 0) throw new OverReleaseError('Cannot release Semaphore: it would have more than at the beginning');
  }

  async getValue(): Promise<number> {
    const session = await this.engine('look at Semaphore').session();
    return Number(String(await session.command(['HGET', this.key('s'), 'value'], 'look at Semaphore')));
  }

  /** Runs `fn` with a permit. @throws TimeoutError (ERR_MULTIPROC_TIMEOUT). */
  async run<R>(fn: () => R | Promise<R>, options?: WaitOptions | null): Promise<R> {
    if (!(await this.acquire(options)))
      throw new TimeoutError('Cannot acquire Semaphore: there is no permit, and the time was over');
    try {
      return await fn();
    } finally {
      await this.release();
    }
  }
}

registerRedisClass(RedisSemaphore);
