-- Enters impressions into their stream: all, or none.
-- KEYS 1 stream  2 state (in one slot)
-- ARGV 1 greatest number of bytes, then the impressions
-- Returns 1: entered; 0: there is no room.
local entry = 32 -- bytes that one takes besides its own, about
local coming = 0
for at = 2, #ARGV do coming = coming + #ARGV[at] + entry end
if tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0) + coming > tonumber(ARGV[1]) then
  redis.call('HINCRBY', KEYS[2], 'refused', #ARGV - 1)
  return 0
end
for at = 2, #ARGV do redis.call('XADD', KEYS[1], '*', 'e', ARGV[at]) end
redis.call('HINCRBY', KEYS[2], 'bytes', coming)
redis.call('HINCRBY', KEYS[2], 'accepted', #ARGV - 1)
return 1
