-- Records a shard whose lists are all written. Its twin, or a second try, changes nothing.
-- KEYS 1 gen:ID  2 gen:ID:shards  3 erasure
-- ARGV 1 shard  2 its record (contract/formats/shard_record.py)  3 users  4 lists  5 items in them  6 lists of similar items
--      7 revision of the erased users that were left out
-- Returns the generation's state after the call ('' if there is no such generation), or 'erased' when users have been erased since:
-- the shard counts only under 'scoring'.
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'scoring' then return state or '' end
if (redis.call('HGET', KEYS[3], 'revision') or '0') ~= ARGV[7] then return 'erased' end
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'users_written', ARGV[3])
  redis.call('HINCRBY', KEYS[1], 'lists_written', ARGV[4])
  redis.call('HINCRBY', KEYS[1], 'listed', ARGV[5])
  redis.call('HINCRBY', KEYS[1], 'similar_written', ARGV[6])
end
return state
