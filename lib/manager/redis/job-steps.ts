/**
 * What can become of a job of a pool: parts of the server's operations.
 */

/*
 *   p:<pool>           hash: crew, attempts, span (milliseconds that results are kept), build, state
 *   …:j                set: its jobs that are not over
 *   n:<crew>           hash: seq (number of the last job)
 *   …:<build>          sorted set: the jobs of a build that can be taken
 *   …:w                hash: what each worker says of itself, by session
 *   j:<job>            hash: pool, crew, build, module, name, mode, seq, attempts, bytes, owner (a worker), caller; when it is over kind, outcome
 *   m:<session>        list: the jobs of a caller that are over and that it has not confirmed
 *
 * A job with a caller is that session's, and goes with it. One without is for whoever has its name, and goes when its time is over.
 */
export const JOB_STEPS = `
local function leavePool(job, pool)
  redis.call('SREM', P..'p:'..pool..':j', job)
  if redis.call('EXISTS', P..'p:'..pool..':j') == 0 then ring(pool) end
end
-- Nobody can take it, nobody works on it.
local function detach(job, crew, build, owner)
  redis.call('ZREM', P..'n:'..crew..':'..build, job)
  if owner then redis.call('HDEL', P..'H:'..owner, 'j|'..job) end
end
local function finishJob(job, kind, outcome)
  local J = P..'j:'..job
  local pool, crew, build, owner, caller = unpack(redis.call('HMGET', J, 'pool', 'crew', 'build', 'owner', 'caller'))
  local span = tonumber(redis.call('HGET', P..'p:'..pool, 'span') or 0)
  -- A caller that lives receives it; if it does not, and nobody is left to look for the dead, this is an end.
  if caller then span = math.max(span, 3600000) end
  span = string.format('%.0f', span)
  detach(job, crew, build, owner)
  redis.call('HDEL', J, 'bytes', 'owner')
  redis.call('HSET', J, 'kind', kind, 'outcome', outcome)
  redis.call('PEXPIRE', J, span)
  if caller then
    redis.call('RPUSH', P..'m:'..caller, job)
    redis.call('PEXPIRE', P..'m:'..caller, span)
    ring(caller)
  else
    ring(job)
  end
  leavePool(job, pool)
end
local function forgetJob(job)
  local J = P..'j:'..job
  local pool, crew, build, owner = unpack(redis.call('HMGET', J, 'pool', 'crew', 'build', 'owner'))
  if not pool then return end
  detach(job, crew, build, owner)
  redis.call('DEL', J)
  leavePool(job, pool)
end
local function returnJob(job)
  local J = P..'j:'..job
  local crew, build, seq, owner = unpack(redis.call('HMGET', J, 'crew', 'build', 'seq', 'owner'))
  detach(job, crew, build, owner)
  redis.call('HDEL', J, 'owner')
  redis.call('ZADD', P..'n:'..crew..':'..build, seq, job)
  ring(crew)
end
`;
