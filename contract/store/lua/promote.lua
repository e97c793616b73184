-- Points `current` at a generation: the only script that moves the pointer to another one. The items that belong to it come with it, in the same step.
-- An experiment goes on: its arm `current` follows, arms that are generations stay (set_experiment.lua), and arms that are models get those of
-- this one's company, all in the same step. It begins by that, if it has not. With a person's move to what has no company for it, it ends.
-- KEYS 1 current  2 promoted  3 hold  4 gen:ID  5 gen:ID:shards  6 gen:PREVIOUS  7 gen:BEFORE
--      (6 and 7: hashes of the generations that ARGV 3 and 4 name; the caller has read them from `current`)  8 items  9 item_revisions
-- ARGV 1 generation id  2 who asks  3 the current generation as the caller saw it, or ''  4 the one before that, or ''
--      5 how: 'run' (whoever recorded the last shard; once for each generation), 'person', 'force' (a person, whatever the gate says),
--      'rollback' (only to what has been served before; sets the hold)
--      6 how many milliseconds later readers follow, all at once; 0: each when it reads the pointer
--      7.. ids of the generations whose hashes are KEYS 10..: those of its company, and what arms serve now
-- Returns 'promoted', 'already' (it is current; or was, and no person asks), 'incomplete' (shards, users or items are missing),
--         'moved' (`current` is not what the caller saw: read again), the state that forbids it, 'accompanied' (its lists are all there, and
--         those of its company are not yet), or why the generation waits, complete: 'refused' (the gate), 'superseded' (a later run was
--         promoted), 'review', 'held', 'arms' (its company can't be promoted; or it is of another one's company).
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
local verdict = gen.verdict and cjson.decode(gen.verdict) or {}

-- What arms that are models would serve: pointers by arm; or what is wrong with their generations.
local hash_of = {[ARGV[1]] = KEYS[4]}
for i = 10, #KEYS do hash_of[ARGV[i - 3]] = KEYS[i] end
local experiment = current and cjson.decode(current).experiment or nil
local together, is_ours, has_models = {}, false, false
local wrong, gone, scoring
for _, arm in ipairs(experiment and experiment.arms or {}) do
  if arm.pointer and not hash_of[arm.pointer.generation] then return 'moved' end
  if string.sub(arm.name, 1, 6) == 'model=' then
    has_models = true
    is_ours = verdict.experiment == experiment.id
    local member = is_ours and verdict.company[arm.name] or nil
    if member and not hash_of[member] then return 'moved' end
    local made = member and redis.call('HMGET', hash_of[member], 'state', 'pointer', 'waits', 'because') or {}
    together[arm.name] = {member = member, pointer = made[2]}
    if member and member ~= ARGV[1] then
      local said = string.format('generation %s of arm %s is ', member, arm.name)
      if made[1] == 'scoring' then
        scoring = said .. 'scoring'
      elseif made[1] ~= 'complete' and made[1] ~= 'current' and made[1] ~= 'previous' then
        gone = said .. (made[1] or 'unknown')
      elseif made[3] == 'refused' or (made[3] == 'review' and how == 'run') then
        wrong = said .. made[3] .. ': ' .. (made[4] or '')
      end
    end
  end
end
if has_models and not is_ours and experiment.began_at_ms > 0 then gone = 'its run has made no generations for the arms of the experiment' end

if gen.state == 'scoring' then
  if redis.call('HLEN', KEYS[5]) ~= tonumber(gen.n_shards) or gen.n_users ~= gen.users_written or gen.n_similar ~= gen.similar_written then
    return 'incomplete'
  end
  if how == 'run' and scoring then return 'accompanied' end
  redis.call('HSET', KEYS[4], 'state', 'complete', 'completed_at_ms', now)
end

local function waits(why, because)
  redis.call('HSET', KEYS[4], 'waits', why, 'because', because)
  return why
end
local newest = tonumber(pointer.newest or pointer.sequence)
local forced = how == 'force' and ARGV[2] or verdict.forced_by
if not gen.promoted_at_ms and (not forced or forced == '') then
  if verdict.passed == false then return waits('refused', verdict.because) end
  local listed = tonumber(gen.listed) / math.max(1, tonumber(gen.users_written))
  if listed < (verdict.min_listed or 0) - 1e-9 then
    return waits('refused', string.format('a list has %.2f items on average, and gate_max_fill_drop asks for %.2f', listed, verdict.min_listed))
  end
end
local accompanies = verdict.leader and verdict.leader ~= ''
if how == 'run' then
  if not accompanies and tonumber(gen.sequence) < newest then return waits('superseded', 'a later run was promoted first') end
  if verdict.doubt and verdict.doubt ~= '' and (not forced or forced == '') then return waits('review', verdict.doubt) end
  if accompanies then return waits('arms', 'it is promoted with ' .. verdict.leader) end
  if verdict.review then return waits('review', 'the run asked for a review') end
  if redis.call('EXISTS', KEYS[3]) == 1 then return waits('held', 'a rollback holds promotions') end
end
local ends = has_models and gone and how ~= 'run' and (how == 'rollback' or not is_ours)
local why = not ends and (gone or scoring or (how ~= 'force' and how ~= 'rollback' and wrong)) or nil
if why then return waits('arms', why) end

local new = cjson.decode(gen.pointer)
new.sequence = tonumber(gen.sequence)
new.newest = math.max(newest, new.sequence)
new.previous = pointer.generation
new.experiment = not ends and experiment or nil
for _, arm in ipairs(experiment and experiment.arms or {}) do
  local of = is_ours and together[arm.name]
  local served = arm.pointer and hash_of[arm.pointer.generation]
  if served and (ends or (of and of.member ~= arm.pointer.generation)) and redis.call('EXISTS', served) == 1 then
    redis.call('HSET', served, 'retired_at_ms', now) -- readers may hold it for a while yet
  end
  if of and not ends then
    arm.pointer = cjson.decode(of.pointer)
    if of.member ~= ARGV[1] then redis.call('HDEL', hash_of[of.member], 'waits', 'because') end
  end
end
if is_ours and not ends and experiment.began_at_ms == 0 then
  local slots = {}
  for _, arm in ipairs(experiment.arms) do
    local n = 0
    for start, stop in string.gmatch(arm.slots, '(%d+)-(%d+)') do n = n + stop - start end
    slots[arm.name] = n
  end
  experiment.began_at_ms = now + 1 + tonumber(ARGV[6])
  experiment.slots_from = {[string.format('%.0f', experiment.began_at_ms)] = slots}
end
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
