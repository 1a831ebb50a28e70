/**
 * Operations of the server: Lua, which runs as one step.
 */
import { createHash } from 'node:crypto';

/*
 * Every operation names its session and its number in it. What it answered is kept until the session says that it has heard it, so an operation that is sent again because the connection broke is not done again.
 *
 *   P..'S:'..session       there while the session lives
 *   P..'H:'..session       what it holds, and how often: reap.ts
 *   P..'R:'..session       its answers, by number
 */
const PRELUDE = `
local P, SID, SEQ = KEYS[1], ARGV[1], ARGV[2]
if redis.call('EXISTS', P..'S:'..SID) == 0 then return redis.error_reply('LOST the lease is over') end
local R, H = P..'R:'..SID, P..'H:'..SID
if ARGV[3] ~= '' then for seq in string.gmatch(ARGV[3], '%d+') do redis.call('HDEL', R, seq) end end
local SAVED = redis.call('HGET', R, SEQ)
if SAVED then SAVED = cmsgpack.unpack(SAVED) end
local function keep(reply)
  redis.call('HSET', R, SEQ, cmsgpack.pack(reply))
  redis.call('PEXPIRE', R, tonumber(ARGV[4]) * 10)
  return reply
end
local function drop(holds, field, n)
  if redis.call('HINCRBY', holds, field, -n) <= 0 then redis.call('HDEL', holds, field) end
end
local function ring(id) redis.call('PUBLISH', P..'C:'..id, '') end
local ID = ARGV[5]
local function gone() return redis.error_reply('GONE there is no such object') end
`;

/** One operation. */
export class Script {
  readonly text: string;
  readonly sha: string;

  /** @param body answers by `return`, and by `return keep(...)` when it has changed something. */
  constructor(body: string) {
    this.text = `${PRELUDE}${body}`;
    this.sha = createHash('sha1').update(this.text).digest('hex');
  }
}

/** What an operation is given. */
export type ScriptArgument = string | number | Buffer;
