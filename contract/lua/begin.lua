-- Opens a generation, or finds it open already (a run that is tried again).
-- KEYS 1 sequence  2 generations  3 gen:ID
-- ARGV 1 generation id  2 digest  3 shards  4 users  5 pointer as JSON  6 manifest as JSON
-- Returns {1, sequence} opened, {0, sequence} open already with the same digest, {-1, state} in another state or of other data.
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
  'users_written', 0, 'lists_written', 0, 'pointer', ARGV[5], 'manifest', ARGV[6],
  'began_at_ms', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('ZADD', KEYS[2], sequence, ARGV[1])
return {1, sequence}
