-- Enters a user on the list of the erased.
-- KEYS 1 erased  2 erasure
-- ARGV 1 HMAC of the user  2 fingerprint of the secret
-- Returns the revision of this erasure (that of the first time), or -1: the list was begun with another secret.
local known = redis.call('HGET', KEYS[2], 'fingerprint')
if known and known ~= ARGV[2] then return -1 end
local revision = redis.call('ZSCORE', KEYS[1], ARGV[1])
if revision then return tonumber(revision) end
redis.call('HSET', KEYS[2], 'fingerprint', ARGV[2])
revision = redis.call('HINCRBY', KEYS[2], 'revision', 1)
redis.call('ZADD', KEYS[1], revision, ARGV[1])
return revision
