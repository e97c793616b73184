-- Takes entries out of a stream that are in files, the oldest first, up to an id.
-- KEYS 1 stream  2 state
-- ARGV 1 the last id that goes  2 how many at most
-- Returns how many went.
local found = redis.call('XRANGE', KEYS[1], '-', ARGV[1], 'COUNT', ARGV[2])
local bytes = 0
for _, entry in ipairs(found) do
  if #entry[2][2] > 0 then bytes = bytes + #entry[2][2] + 32 end
  redis.call('XDEL', KEYS[1], entry[1])
end
redis.call('HINCRBY', KEYS[2], 'bytes', 0 - bytes) -- not -bytes: of 0 that is -0, which Redis before 7.2 does not take
redis.call('HINCRBY', KEYS[2], 'written', #found)
return #found
