/**
 * How places at a condition are left: a part of the server's operations.
 */

/*
 * The name of a condition ends with that of its lock, on whose channel its news are, since who was notified also needs the lock.
 *
 *   x:<condition>:w    sorted set: places of those who wait, by arrival
 *   x:<condition>:n    set: places of those who were notified and have not got the lock yet
 */
export const CONDITION_STEPS = `
local function notifyFirst(condition, n)
  local X = P..'x:'..condition
  local first = redis.call('ZPOPMIN', X..':w', n)
  for i = 1, #first, 2 do redis.call('SADD', X..':n', first[i]) end
  if #first > 0 then ring(string.sub(condition, 25)) end
end
-- A notification that is left goes to the next one.
local function leaveCondition(condition, place)
  local X = P..'x:'..condition
  redis.call('ZREM', X..':w', place)
  if redis.call('SREM', X..':n', place) == 1 then notifyFirst(condition, 1) end
end
`;
