-- Takes users off the list of those whose lists are to be made anew, but for who did something meanwhile.
-- KEYS 1 due
-- ARGV for each user the id, and the score that was seen
-- Returns how many went.
local gone = 0
for at = 1, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[at]) == ARGV[at + 1] then gone = gone + redis.call('ZREM', KEYS[1], ARGV[at]) end
end
return gone
