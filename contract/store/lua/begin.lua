-- Opens a generation, or finds it open already (a run that is tried again).
-- KEYS 1 sequence  2 generations  3 gen:ID  4 erasure  5 fence
-- ARGV 1 generation id  2 digest  3 shards  4 users  5 items that get a list of similar ones  6 pointer as JSON  7 manifest as JSON
--      8 verdict of the gate as JSON  9 revision of the erased users that were left out  10 token of the run, or ''
--      11 pointer, as JSON, to the items that the run has written, or ''
-- Returns {1, sequence} opened, {0, sequence} open already with the same digest, {-1, state} in another state or of other data,
--         {-2, revision} users have been erased since, {-3, token} another trainer has taken over.
local revision = tonumber(redis.call('HGET', KEYS[4], 'revision') or 0)
if revision ~= tonumber(ARGV[9]) then return {-2, revision} end
local token = redis.call('GET', KEYS[5]) or ''
if ARGV[10] ~= '' and ARGV[10] ~= token then return {-3, tonumber(token) or 0} end
local state = redis.call('HGET', KEYS[3], 'state')
if state then
  if state == 'scoring' and redis.call('HGET', KEYS[3], 'digest') == ARGV[2] then
    return {0, tonumber(redis.call('HGET', KEYS[3], 'sequence'))}
  end
  return {-1, state}
end
local time = redis.call('TIME')
local sequence = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[3], 'state', 'scoring', 'sequence', sequence, 'digest', ARGV[2], 'n_shards', ARGV[3], 'n_users', ARGV[4],
  'n_similar', ARGV[5], 'users_written', 0, 'lists_written', 0, 'listed', 0, 'similar_written', 0, 'pointer', ARGV[6],
  'manifest', ARGV[7], 'verdict', ARGV[8], 'began_at_ms', time[1] * 1000 + math.floor(time[2] / 1000))
if ARGV[11] ~= '' then redis.call('HSET', KEYS[3], 'items', ARGV[11]) end
redis.call('ZADD', KEYS[2], sequence, ARGV[1])
return {1, sequence}
