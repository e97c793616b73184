-- Records a shard whose lists are all written. Its twin, or a second try, changes nothing.
-- KEYS 1 gen:ID  2 gen:ID:shards
-- ARGV 1 shard  2 users written  3 lists written  4 checksum
-- Returns the generation's state after the call ('' if there is no such generation); the shard counts only under 'scoring'.
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'scoring' then return state or '' end
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'users_written', ARGV[2])
  redis.call('HINCRBY', KEYS[1], 'lists_written', ARGV[3])
end
return state
