/**
 * The operations of pools in Redis.
 */
import { JOB_STEPS } from './job-steps.js';
import { Script } from './script.js';

const POOL = `${JOB_STEPS}
local O = P..'p:'..ID
if redis.call('EXISTS', O) == 0 then return gone() end
`;

/** Makes a pool: crew, attempts, span, build. */
export const NEW_POOL = new Script(`
redis.call('HSET', P..'p:'..ID, 'crew', ARGV[6], 'attempts', ARGV[7], 'span', ARGV[8], 'build', ARGV[9])
return 1
`);

/** What a pool was made with: crew, build. */
export const POOL_FACTS = new Script(`${POOL}
return redis.call('HMGET', O, 'crew', 'build')
`);

/** Adds jobs: build, module, name, mode, 1 when they are the caller's; then the name and the arguments of each. Answers the pool's state when it takes none. */
export const SUBMIT = new Script(`${POOL}
if SAVED then return SAVED end
local crew, attempts, state = unpack(redis.call('HMGET', O, 'crew', 'attempts', 'state'))
if state then return {state} end
for i = 11, #ARGV, 2 do
  local job, J = ARGV[i], P..'j:'..ARGV[i]
  local seq = redis.call('HINCRBY', P..'n:'..crew, 'seq', 1)
  redis.call('HSET', J, 'pool', ID, 'crew', crew, 'build', ARGV[6], 'module', ARGV[7], 'name', ARGV[8], 'mode', ARGV[9],
    'seq', seq, 'attempts', 0, 'limit', attempts, 'bytes', ARGV[i + 1])
  if ARGV[10] == '1' then
    redis.call('HSET', J, 'caller', SID)
    redis.call('HSET', H, 'c|'..job, 1)
  end
  redis.call('SADD', O..':j', job)
  redis.call('ZADD', P..'n:'..crew..':'..ARGV[6], seq, job)
end
ring(crew)
return keep({'open'})
`);

/** Confirms jobs of this caller, and answers others that are over: job, kind, outcome of each. */
export const COLLECT = new Script(`${JOB_STEPS}
local M = P..'m:'..SID
for i = 6, #ARGV do
  redis.call('HDEL', H, 'c|'..ARGV[i])
  redis.call('LREM', M, 1, ARGV[i])
  forgetJob(ARGV[i])
end
local reply = {}
for _, job in ipairs(redis.call('LRANGE', M, 0, 15)) do
  local kind, outcome = unpack(redis.call('HMGET', P..'j:'..job, 'kind', 'outcome'))
  reply[#reply + 1] = job
  reply[#reply + 1] = kind or 'gone'
  reply[#reply + 1] = outcome or ''
end
return reply
`);

/** Takes back jobs of this caller, however far they are. */
export const WITHDRAW = new Script(`${JOB_STEPS}
for i = 6, #ARGV do
  redis.call('HDEL', H, 'c|'..ARGV[i])
  redis.call('LREM', P..'m:'..SID, 1, ARGV[i])
  forgetJob(ARGV[i])
end
return 1
`);

/** Kind and outcome of a job that is over; else crew, module and build. */
export const LOOK_AT_JOB = new Script(`
local J = P..'j:'..ID
if redis.call('EXISTS', J) == 0 then return gone() end
local kind, outcome, crew, module, build = unpack(redis.call('HMGET', J, 'kind', 'outcome', 'crew', 'module', 'build'))
if kind then return {kind, outcome} end
return {crew, module, build}
`);

/** Says that a session works for a crew, and what it can do. */
export const ENLIST = new Script(`
redis.call('HSET', P..'n:'..ID..':w', SID, ARGV[6])
redis.call('HSET', H, 'w|'..ID, 1)
return 1
`);

/** What the workers of a crew say of themselves, as far as they live. */
export const WORKERS = new Script(`
local found, reply = redis.call('HGETALL', P..'n:'..ID..':w'), {}
for i = 1, #found, 2 do
  if redis.call('EXISTS', P..'S:'..found[i]) == 1 then reply[#reply + 1] = found[i + 1] end
end
return reply
`);

/** Takes the oldest job of these builds: job, build, name, mode, attempts, arguments. */
export const CLAIM_JOB = new Script(`
local job = SAVED and SAVED[1]
if not job then
  local oldest, from
  for i = 6, #ARGV do
    local first = redis.call('ZRANGE', P..'n:'..ID..':'..ARGV[i], 0, 0, 'WITHSCORES')
    if first[1] and (not oldest or tonumber(first[2]) < oldest) then job, oldest, from = first[1], tonumber(first[2]), ARGV[i] end
  end
  if not job then return {} end
  redis.call('ZREM', P..'n:'..ID..':'..from, job)
  redis.call('HSET', P..'j:'..job, 'owner', SID)
  redis.call('HINCRBY', P..'j:'..job, 'attempts', 1)
  redis.call('HSET', H, 'j|'..job, 1)
  keep({job})
end
if redis.call('HGET', P..'j:'..job, 'owner') ~= SID then return {} end
local reply = redis.call('HMGET', P..'j:'..job, 'build', 'name', 'mode', 'attempts', 'bytes')
table.insert(reply, 1, job)
return reply
`);

/** Ends a job of this worker: kind, outcome. Answers whether it was still this worker's. */
export const FINISH_JOB = new Script(`${JOB_STEPS}
if SAVED then return SAVED end
if redis.call('HGET', P..'j:'..ID, 'owner') ~= SID then return {0} end
finishJob(ID, ARGV[6], ARGV[7])
return keep({1})
`);

/** Gives back a job that this worker has not begun. */
export const RETURN_JOB = new Script(`${JOB_STEPS}
if SAVED then return SAVED end
if redis.call('HGET', P..'j:'..ID, 'owner') ~= SID then return {0} end
redis.call('HINCRBY', P..'j:'..ID, 'attempts', -1)
returnJob(ID)
return keep({1})
`);

/** No more jobs: 'closed' or 'terminated'. Ends up to 500 of those that a terminated pool still has. Answers how many are left. */
export const END_POOL = new Script(`${POOL}
if redis.call('HGET', O, 'state') ~= 'terminated' then redis.call('HSET', O, 'state', ARGV[6]) end
if ARGV[6] == 'terminated' then
  for _, job in ipairs(redis.call('SRANDMEMBER', O..':j', 500)) do finishJob(job, 'terminated', '') end
end
local left = redis.call('SCARD', O..':j')
if left == 0 then ring(ID) end
return left
`);

/** State of a pool, and how many of its jobs are not over. */
export const LOOK_AT_POOL = new Script(`${POOL}
return {redis.call('HGET', O, 'state') or 'open', redis.call('SCARD', O..':j')}
`);
