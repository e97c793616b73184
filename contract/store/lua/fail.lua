-- Gives a generation up. What is served, or complete, is never touched.
-- KEYS 1 gen:ID
-- ARGV 1 reason
-- Returns 1 if this call failed it, 0 if it was not scoring.
if redis.call('HGET', KEYS[1], 'state') ~= 'scoring' then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'state', 'failed', 'reason', ARGV[1], 'retired_at_ms', time[1] * 1000 + math.floor(time[2] / 1000))
return 1
