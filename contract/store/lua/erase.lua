-- Takes a user out of a generation's counts, once. The caller removes the lists themselves.
-- KEYS 1 gen:ID  2 gen:ID:shards  3 gen:ID:erased  4 current
-- ARGV 1 HMAC of the user  2 generation id  3 the user's shard, or -1 where nobody knows it  4 1 if the list has items, else 0  5 items in it  6 checksum of its entry
--      7 revision of this erasure: a shard that was recorded at this one or later has left the user out by itself
-- Returns 1, or 0 if it was done before or there is no such generation.
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('SADD', KEYS[3], ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'n_users', -1)
local function one_fewer(json)
  local pointer = cjson.decode(json)
  local pointers = {pointer}
  for _, arm in ipairs(pointer.experiment and pointer.experiment.arms or {}) do pointers[#pointers + 1] = arm.pointer end
  local found = false
  for _, one in ipairs(pointers) do
    if one.generation == ARGV[2] then one.n_users, found = one.n_users - 1, true end
  end
  return found and cjson.encode(pointer) or json
end
redis.call('HSET', KEYS[1], 'pointer', one_fewer(redis.call('HGET', KEYS[1], 'pointer')))
local current = redis.call('GET', KEYS[4])
if current then redis.call('SET', KEYS[4], one_fewer(current)) end
if ARGV[3] ~= '-1' then
  local record = redis.call('HGET', KEYS[2], ARGV[3])
  if not record then return 1 end
  local n = {}
  for number in string.gmatch(record, '%d+') do n[#n + 1] = tonumber(number) end
  if n[7] >= tonumber(ARGV[7]) then return 1 end
  redis.call('HSET', KEYS[2], ARGV[3], string.format('%d %d %d %.0f %d %.0f %d',
    n[1] - 1, n[2] - ARGV[4], n[3] - ARGV[5], n[4] - ARGV[6], n[5], n[6], n[7]))
end
redis.call('HINCRBY', KEYS[1], 'users_written', -1)
redis.call('HINCRBY', KEYS[1], 'lists_written', 0 - ARGV[4]) -- not -ARGV[4]: of 0 that is -0, which Redis before 7.2 does not take
redis.call('HINCRBY', KEYS[1], 'listed', 0 - ARGV[5])
return 1
