/**
 * What becomes of what a session held whose lease is over.
 */
import { Script } from './script.js';

/*
 * The fields of a session's holds say what they are:
 *
 *   q|queue|message    a message that it took
 *   l|lock             a lock
 *   s|semaphore        permits
 *   b|barrier          it waits there
 */
const GIVE_BACK = `
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
    end
    ring(id)
  end
  redis.call('DEL', P..'H:'..sid, P..'R:'..sid, P..'S:'..sid)
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
