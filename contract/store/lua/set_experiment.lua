-- Begins, changes or ends the experiment, which is a part of `current`. Its arms read as their generations' hashes say; those that are
-- models get their generations by promote.lua alone.
-- KEYS 1 current  2 experiment_ended  3.. gen:ID of each generation that is an arm's
-- ARGV 1 id of the experiment as the caller saw it, or ''  2 JSON of the experiment, without pointers; '' ends it
--      3 how many milliseconds later readers follow, all at once; 0: each when it reads the pointer  4 JSON of why it ends by itself, or ''
--      5.. ids of the generations of KEYS 3..
-- Returns 'done', or why nothing was done.
local current = redis.call('GET', KEYS[1])
if not current then return 'nothing is promoted yet' end
local pointer = cjson.decode(current)
local running = pointer.experiment and pointer.experiment.id or ''
if running ~= ARGV[1] then return 'another experiment has begun or ended meanwhile' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local experiment = ARGV[2] ~= '' and cjson.decode(ARGV[2]) or nil
local serves, seen = {}, {}
for i = 3, #KEYS do seen[ARGV[i + 2]] = true end
for _, arm in ipairs(pointer.experiment and pointer.experiment.arms or {}) do
  serves[arm.name] = arm.pointer
  if arm.pointer and not seen[arm.pointer.generation] then return 'arms have got other generations meanwhile' end
end
if experiment and running ~= '' and experiment.began_at_ms ~= pointer.experiment.began_at_ms then return 'the experiment has begun meanwhile' end
local pointers = {}
for i = 3, #KEYS do
  local gen = redis.call('HMGET', KEYS[i], 'state', 'pointer')
  if experiment then
    if gen[1] ~= 'complete' and gen[1] ~= 'current' and gen[1] ~= 'previous' then
      return string.format('generation %s is %s', ARGV[i + 2], gen[1] or 'unknown')
    end
    pointers[ARGV[i + 2]] = cjson.decode(gen[2])
  elseif gen[1] then
    -- Readers may hold its pointer for a while yet: retention counts from now on.
    redis.call('HSET', KEYS[i], 'retired_at_ms', now)
  end
end
for _, arm in ipairs(experiment and experiment.arms or {}) do
  if string.sub(arm.name, 1, 6) == 'model=' then arm.pointer = serves[arm.name] else arm.pointer = pointers[arm.name] end
end

local new = cjson.decode(current)
new.experiment, new.holds_from_ms, new.before = experiment, nil, nil
if tonumber(ARGV[3]) > 0 then
  if (pointer.holds_from_ms or 0) <= now then pointer.holds_from_ms, pointer.before = nil, nil end
  new.holds_from_ms, new.before = now + 1 + tonumber(ARGV[3]), pointer
end
redis.call('SET', KEYS[1], cjson.encode(new))
if ARGV[4] ~= '' then redis.call('SET', KEYS[2], ARGV[4]) end
return 'done'
