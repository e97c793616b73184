-- Points `current` at a generation: the only script that moves the pointer to another one. The items that belong to it come with it, in the same step.
-- An experiment goes on: its arm `current` follows, the others stay (set_experiment.lua).
-- KEYS 1 current  2 promoted  3 hold  4 gen:ID  5 gen:ID:shards  6 gen:PREVIOUS  7 gen:BEFORE
--      (6 and 7: hashes of the generations that ARGV 3 and 4 name; the caller has read them from `current`)  8 items  9 item_revisions
-- ARGV 1 generation id  2 who asks  3 the current generation as the caller saw it, or ''  4 the one before that, or ''
--      5 how: 'run' (whoever recorded the last shard; once for each generation), 'person', 'force' (a person, whatever the gate says),
--      'rollback' (only to what has been served before; sets the hold)
--      6 how many milliseconds later readers follow, all at once; 0: each when it reads the pointer
-- Returns 'promoted', 'already' (it is current; or was, and no person asks), 'incomplete' (shards, users or items are missing),
--         'moved' (`current` is not what the caller saw: read again), the state that forbids it,
--         or why the generation waits, complete: 'refused' (the gate), 'superseded' (a later run was promoted), 'review', 'held'.
local current = redis.call('GET', KEYS[1])
local pointer = current and cjson.decode(current) or {generation = '', previous = '', sequence = 0}
if pointer.generation ~= ARGV[3] or pointer.previous ~= ARGV[4] then return 'moved' end
local how = ARGV[5]
local names = {'state', 'n_shards', 'n_users', 'users_written', 'sequence', 'pointer', 'promoted_at_ms', 'n_similar', 'similar_written',
  'verdict', 'listed', 'lists_written', 'items', 'items_left'}
local gen = {}
for i, value in ipairs(redis.call('HMGET', KEYS[4], unpack(names))) do gen[names[i]] = value end
if pointer.generation == ARGV[1] or (gen.promoted_at_ms and how == 'run') then return 'already' end
if how == 'rollback' and not gen.promoted_at_ms then return 'never promoted' end
if gen.state ~= 'scoring' and gen.state ~= 'complete' and gen.state ~= 'previous' then return gen.state or 'unknown' end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if gen.state == 'scoring' then
  if redis.call('HLEN', KEYS[5]) ~= tonumber(gen.n_shards) or gen.n_users ~= gen.users_written or gen.n_similar ~= gen.similar_written then
    return 'incomplete'
  end
  redis.call('HSET', KEYS[4], 'state', 'complete', 'completed_at_ms', now)
end

local function waits(why, because)
  redis.call('HSET', KEYS[4], 'waits', why, 'because', because)
  return why
end
local verdict = gen.verdict and cjson.decode(gen.verdict) or {}
local newest = tonumber(pointer.newest or pointer.sequence)
local forced = how == 'force' and ARGV[2] or verdict.forced_by
if not gen.promoted_at_ms and (not forced or forced == '') then
  if verdict.passed == false then return waits('refused', verdict.because) end
  local listed = tonumber(gen.listed) / math.max(1, tonumber(gen.users_written))
  if listed < (verdict.min_listed or 0) - 1e-9 then
    return waits('refused', string.format('a list has %.2f items on average, and gate_max_fill_drop asks for %.2f', listed, verdict.min_listed))
  end
end
if how == 'run' then
  if tonumber(gen.sequence) < newest then return waits('superseded', 'a later run was promoted first') end
  if verdict.doubt and verdict.doubt ~= '' and (not forced or forced == '') then return waits('review', verdict.doubt) end
  if verdict.review then return waits('review', 'the run asked for a review') end
  if redis.call('EXISTS', KEYS[3]) == 1 then return waits('held', 'a rollback holds promotions') end
end

local new = cjson.decode(gen.pointer)
new.sequence = tonumber(gen.sequence)
new.newest = math.max(newest, new.sequence)
new.previous = pointer.generation
new.experiment = pointer.experiment
if ARGV[3] ~= '' and tonumber(ARGV[6]) > 0 then
  if (pointer.holds_from_ms or 0) <= now then pointer.holds_from_ms, pointer.before = nil, nil end
  new.holds_from_ms, new.before = now + 1 + tonumber(ARGV[6]), pointer
end
redis.call('SET', KEYS[1], cjson.encode(new))
redis.call('HSET', KEYS[4], 'state', 'current', 'promoted_at_ms', now)
redis.call('HDEL', KEYS[4], 'waits', 'because')
if forced and forced ~= '' and not gen.promoted_at_ms then redis.call('HSET', KEYS[4], 'forced_by', forced) end
if ARGV[4] ~= '' and ARGV[4] ~= ARGV[1] and redis.call('EXISTS', KEYS[7]) == 1 then redis.call('HSET', KEYS[7], 'state', 'complete') end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[6], 'state', 'previous', 'retired_at_ms', now) end

-- The items that its run has brought, or those that were served when it was left. What a person has written since both runs stays.
local items = redis.call('GET', KEYS[8])
local target = gen.promoted_at_ms and gen.items_left or gen.items
local function revision(json) return json and cjson.decode(json).revision or 0 end
local brought = math.max(revision(gen.items), ARGV[3] ~= '' and revision(redis.call('HGET', KEYS[6], 'items')) or 0)
local refreshed = items and cjson.decode(items).made_by == 'command' and revision(items) > brought
if items and ARGV[3] ~= '' then redis.call('HSET', KEYS[6], 'items_left', items) end
local entry = target and redis.call('HGET', KEYS[9], revision(target))
if entry and not refreshed and revision(items) ~= revision(target) then
  redis.call('SET', KEYS[8], target)
  local left = items and redis.call('HGET', KEYS[9], revision(items))
  if left then
    left = cjson.decode(left)
    left.state, left.at_ms = 'left', now
    redis.call('HSET', KEYS[9], revision(items), cjson.encode(left))
  end
end

-- Who goes back means it: without a hold the next run would bring back what was left.
if how ~= 'run' and new.sequence < newest then
  redis.call('SET', KEYS[3], cjson.encode({generation = ARGV[1], at_ms = now, by = ARGV[2]}))
end
redis.call('LPUSH', KEYS[2], cjson.encode({generation = ARGV[1], at_ms = now, by = ARGV[2], how = how}))
redis.call('LTRIM', KEYS[2], 0, 999)
return 'promoted'
