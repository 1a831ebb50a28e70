/**
 * Events in Redis.
 */
import { parseWait, type WaitOptions } from '../../internal/wait-options.js';
import type { ManagedEvent } from '../interfaces.js';
import { RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';

/* e:<id>   hash: set, times (how often it was set) */
const EVENT = `
local O = P..'e:'..ID
if redis.call('EXISTS', O) == 0 then return gone() end
`;

/** Makes an event that is not set. */
export const NEW_EVENT = new Script(`
redis.call('HSETNX', P..'e:'..ID, 'set', 0)
return 1
`);

const SET = new Script(`${EVENT}
if SAVED then return SAVED end
redis.call('HSET', O, 'set', ARGV[6])
if ARGV[6] == '1' then
  redis.call('HINCRBY', O, 'times', 1)
  ring(ID)
end
return keep({1})
`);

const LOOK = new Script(`${EVENT}
local state = redis.call('HMGET', O, 'set', 'times')
return {tonumber(state[1]), tonumber(state[2] or '0')}
`);

/** An event in Redis. Who waits notices also that it was set and cleared again meanwhile. */
export class RedisEvent extends RedisObject implements ManagedEvent {
  async isSet(): Promise<boolean> {
    const [isSet] = (await this.operate(LOOK, [], 'look at Event')) as [number];
    return isSet === 1;
  }

  async set(): Promise<void> {
    await this.operate(SET, [1], 'set Event');
  }

  async clear(): Promise<void> {
    await this.operate(SET, [0], 'clear Event');
  }

  /** @returns false when the time was over. */
  async wait(options?: WaitOptions | null): Promise<boolean> {
    const action = 'wait for Event';
    let before: number | undefined;
    const seen = await this.engine(action).wait(this.id, parseWait(options), async (session) => {
      const [isSet, times] = (await this.operateIn(session, LOOK, [], action)) as [number, number];
      before ??= times;
      return isSet === 1 || times > before ? true : undefined;
    });
    return seen === true;
  }
}

registerRedisClass(RedisEvent);
