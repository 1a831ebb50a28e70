/**
 * What becomes of what a session held whose lease is over.
 */
import { CONDITION_STEPS } from './condition-steps.js';
import { JOB_STEPS } from './job-steps.js';
import { Script } from './script.js';

/*
 * The fields of a session's holds say what they are:
 *
 *   q|queue|message    a message that it took
 *   l|lock             a lock
 *   s|semaphore        permits
 *   b|barrier          it waits there
 *   x|condition|place  it waits there, or has been notified
 *   j|job              a job of a pool that it works on
 *   c|job              a job of a pool that it waits for
 *   w|crew             it works for such pools
 */
const GIVE_BACK = `${JOB_STEPS}${CONDITION_STEPS}
local function giveBack(sid)
  local holds = redis.call('HGETALL', P..'H:'..sid)
  for i = 1, #holds, 2 do
    local kind, id, rest = string.match(holds[i], '^(%a)|([^|]+)|?(.*)$')
    local O = P..kind..':'..id
    if kind == 'q' then
      if redis.call('HGET', O..':t', rest) == sid then
        redis.call('HDEL', O..':t', rest)
        redis.call('ZADD', O..':r', rest, rest)
      end
    elseif kind == 'l' then
      if redis.call('HGET', O, 'owner') == sid then
        redis.call('HDEL', O, 'owner', 'token', 'count')
        redis.call('HSET', O, 'died', 1)
      end
    elseif kind == 's' then
      local bound = tonumber(redis.call('HGET', O, 'bound') or '0')
      local value = tonumber(redis.call('HGET', O, 'value') or '0') + holds[i + 1]
      -- Somebody else may have released in its place.
      if bound > 0 and value > bound then value = bound end
      if redis.call('EXISTS', O) == 1 then redis.call('HSET', O, 'value', value) end
    elseif kind == 'b' then
      if redis.call('EXISTS', O) == 1 then redis.call('HSET', O, 'broken', 1) end
    elseif kind == 'x' then
      leaveCondition(id, rest)
    elseif kind == 'j' then
      if redis.call('HGET', O, 'owner') == sid then
        local attempts, limit = unpack(redis.call('HMGET', O, 'attempts', 'limit'))
        if tonumber(attempts) < tonumber(limit) then returnJob(id) else finishJob(id, 'died', attempts) end
      end
    elseif kind == 'c' then
      if redis.call('HGET', P..'j:'..id, 'caller') == sid then forgetJob(id) end
    elseif kind == 'w' then
      redis.call('HDEL', P..'n:'..id..':w', sid)
    end
    ring(id)
  end
  redis.call('DEL', P..'H:'..sid, P..'R:'..sid, P..'m:'..sid, P..'S:'..sid)
  redis.call('SREM', P..'sessions', sid)
end
`;

/** Gives back what sessions held that live no more. */
export const REAP = new Script(`${GIVE_BACK}
local count = 0
for _, sid in ipairs(redis.call('SMEMBERS', P..'sessions')) do
  if redis.call('EXISTS', P..'S:'..sid) == 0 then giveBack(sid); count = count + 1 end
end
return count
`);

/** Ends the session itself. */
export const LEAVE = new Script(`${GIVE_BACK}
giveBack(SID)
return 1
`);
