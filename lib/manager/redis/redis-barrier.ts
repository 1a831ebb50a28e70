/**
 * Barriers in Redis.
 */
import { BrokenBarrierError } from '../../errors.js';
import { parseWait, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedBarrier } from '../interfaces.js';
import { RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';

/* b:<id>   hash: parties, waiting, round, broken, reset (the last round that was reset) */
const BARRIER = `
local O = P..'b:'..ID
if redis.call('EXISTS', O) == 0 then return gone() end
local function get(field) return tonumber(redis.call('HGET', O, field) or '0') end
`;

/** Makes a barrier for so many. */
export const NEW_BARRIER = new Script(`
redis.call('HSETNX', P..'b:'..ID, 'parties', ARGV[6])
return 1
`);

const ARRIVE = new Script(`${BARRIER}
if SAVED then return SAVED end
if get('broken') == 1 then return {-1} end
local place = get('parties') - redis.call('HINCRBY', O, 'waiting', 1)
local round = get('round')
if place == 0 then
  redis.call('HSET', O, 'waiting', 0)
  redis.call('HINCRBY', O, 'round', 1)
  ring(ID)
else
  redis.call('HINCRBY', H, 'b|'..ID, 1)
end
return keep({place, round})
`);

/* 1: all have come. 0: not yet. −1: it is broken, or was reset. */
const LOOK = new Script(`${BARRIER}
local round = tonumber(ARGV[6])
if get('reset') > round then return {-1} end
if get('round') > round then return {1} end
return {-get('broken')}
`);

const LEAVE = new Script(`${BARRIER}
if SAVED then return SAVED end
drop(H, 'b|'..ID, 1)
return keep({1})
`);

/* Breaks the round if it is still the same one. −1: whichever it is. */
const BREAK = new Script(`${BARRIER}
if SAVED then return SAVED end
local round = tonumber(ARGV[6])
if round >= 0 and get('round') > round then return {0} end
redis.call('HSET', O, 'broken', 1)
ring(ID)
return keep({1})
`);

const RESET = new Script(`${BARRIER}
if SAVED then return SAVED end
local round = redis.call('HINCRBY', O, 'round', 1)
if get('waiting') > 0 then redis.call('HSET', O, 'reset', round) end
redis.call('HSET', O, 'waiting', 0, 'broken', 0)
ring(ID)
return keep({1})
`);

/** A barrier in Redis. One who dies, gives up or is called off while he waits breaks it for all. */
export class RedisBarrier extends RedisObject implements ManagedBarrier {
  /**
   * @returns the place of arrival, from `parties - 1` down to 0.
   * @throws BrokenBarrierError (ERR_MULTIPROC_BROKEN_BARRIER); `signal.reason`.
   */
  async wait(options?: WaitOptions | null): Promise<number> {
    const action = 'wait at Barrier';
    const wait = parseWait(options);
    const session = await this.engine(action).session();
    const [place, round] = (await this.operateIn(session, ARRIVE, [], action)) as [number, number];
    if (place < 0) throw new BrokenBarrierError('Cannot wait at Barrier: it is broken');
    if (place === 0) return 0;
    let passed: number | undefined;
    try {
      passed = await this.engine(action).wait(this.id, wait, async (current) => {
        const [outcome] = (await this.operateIn(current, LOOK, [round], action)) as [number];
        return outcome === 0 ? undefined : outcome;
      });
    } catch (error) {
      await this.#break(round);
      throw error;
    } finally {
      await session.run(LEAVE, this.id, [], action);
    }
    // Whoever finds it broken now, when all have come meanwhile, has passed.
    if (passed === undefined && (await this.#break(round)))
      throw new BrokenBarrierError('Cannot wait at Barrier: the time was over');
    if (passed === -1) throw new BrokenBarrierError('Cannot wait at Barrier: it was broken or reset');
    return place;
  }

  async reset(): Promise<void> {
    await this.operate(RESET, [], 'reset Barrier');
  }

  async abort(): Promise<void> {
    await this.#break(-1);
  }

  async parties(): Promise<number> {
    return this.#field('parties');
  }

  async nWaiting(): Promise<number> {
    return this.#field('waiting');
  }

  async broken(): Promise<boolean> {
    return (await this.#field('broken')) === 1;
  }

  async #break(round: number): Promise<boolean> {
    const [done] = (await this.operate(BREAK, [round], 'break Barrier')) as [number];
    return done === 1;
  }

  async #field(name: string): Promise<number> {
    const session = await this.engine('look at Barrier').session();
    const text = (await session.command(['HGET', this.key('b'), name], 'look at Barrier')) as Buffer | null;
    return text === null ? 0 : Number(text.toString());
  }
}

registerRedisClass(RedisBarrier);
