/**
 * Values in Redis.
 */
import { isDeepStrictEqual } from 'node:util';
import { argumentTypeError } from '../../errors.js';
import type { ManagedValue } from '../interfaces.js';
import { decodeValue, encodeValue, RedisObject, registerRedisClass } from './redis-object.js';
import { Script } from './script.js';

/* v:<id>   hash: bytes, the value as the codec writes it; or number or bigint, its digits, which the server can add to */
const VALUE = `
local O = P..'v:'..ID
if redis.call('EXISTS', O) == 0 then return gone() end
`;

/** Makes a value of a form and its content. */
export const NEW_VALUE = new Script(`
redis.call('HSET', P..'v:'..ID, ARGV[6], ARGV[7])
return 1
`);

const GET = new Script(`${VALUE}
return redis.call('HGETALL', O)
`);

const SET = new Script(`${VALUE}
if SAVED then return SAVED end
redis.call('DEL', O)
redis.call('HSET', O, ARGV[6], ARGV[7])
return keep({1})
`);

const COMPARE_EXCHANGE = new Script(`${VALUE}
if SAVED then return SAVED end
if redis.call('HGET', O, ARGV[6]) ~= ARGV[7] then return {0} end
redis.call('DEL', O)
redis.call('HSET', O, ARGV[8], ARGV[9])
return keep({1})
`);

const ADD = new Script(`${VALUE}
if SAVED then return SAVED end
if redis.call('HEXISTS', O, ARGV[6]) == 0 then return {} end
if ARGV[6] == 'bigint' then
  local sum = redis.pcall('HINCRBY', O, 'bigint', ARGV[7])
  if type(sum) == 'table' then return {'overflow'} end
  return keep({redis.call('HGET', O, 'bigint')})
end
local sum = string.format('%.17g', tonumber(redis.call('HGET', O, 'number')) + tonumber(ARGV[7]))
redis.call('HSET', O, 'number', sum)
return keep({sum})
`);

/** What the engine keeps of a value. */
export function formOf(value: unknown): [form: string, content: string | Buffer] {
  if (typeof value === 'number' && Number.isFinite(value))
    return ['number', Object.is(value, -0) ? '-0' : String(value)];
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return ['bigint', String(value)];
  return ['bytes', encodeValue(value)];
}

function valueOf([form, content]: readonly Buffer[]): unknown {
  if (String(form) === 'number') return Number(String(content));
  return String(form) === 'bigint' ? BigInt(String(content)) : decodeValue(content);
}

/** A value in Redis, of any type. Numbers, and 64-bit integers as bigints, are added to by the engine in one step. */
export class RedisValue<T = unknown> extends RedisObject implements ManagedValue<T> {
  async get(): Promise<T> {
    return valueOf((await this.operate(GET, [], 'get Value')) as Buffer[]) as T;
  }

  async set(value: T): Promise<void> {
    await this.operate(SET, formOf(value), 'set Value');
  }

  async value(): Promise<T> {
    return this.get();
  }

  async add(n: T extends bigint ? bigint : number): Promise<T> {
    const [form, content] = formOf(n);
    if (form === 'bytes')
      throw argumentTypeError(`Cannot add to Value: a finite number is needed, received ${String(n)}`);
    const [sum] = (await this.operate(ADD, [form, content], 'add to Value')) as [Buffer?];
    if (sum === undefined) throw argumentTypeError(`Cannot add to Value: it is no ${form}`);
    if (String(sum) === 'overflow') throw argumentTypeError('Cannot add to Value: the sum has more than 64 bits');
    return valueOf([Buffer.from(form), sum]) as T;
  }

  /** Exchanges it if it is what is expected, compared deeply. */
  async compareExchange(expected: T, value: T): Promise<boolean> {
    for (;;) {
      const [form, content] = (await this.operate(GET, [], 'get Value')) as [Buffer, Buffer];
      if (!isDeepStrictEqual(valueOf([form, content]), expected)) return false;
      const args = [form, content, ...formOf(value)];
      const [done] = (await this.operate(COMPARE_EXCHANGE, args, 'exchange Value')) as [number];
      if (done === 1) return true;
    }
  }
}

registerRedisClass(RedisValue);
