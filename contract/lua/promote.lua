-- Points `current` at a generation: the only script that moves the pointer forward, once for each generation.
-- KEYS 1 current  2 promoted  3 gen:ID  4 gen:ID:shards  5 gen:PREVIOUS  6 gen:BEFORE
--      (5 and 6: hashes of the generations that ARGV 3 and 4 name; the caller has read them from `current`)
-- ARGV 1 generation id  2 who asks  3 the current generation as the caller saw it, or ''  4 the one before that, or ''
-- Returns 'promoted', 'already' (it is, or was, current), 'incomplete' (shards or users are missing),
--         'superseded' (a later run is current), 'moved' (`current` is not what the caller saw: read again),
--         or the state that forbids it.
local current = redis.call('GET', KEYS[1])
local pointer = current and cjson.decode(current) or {generation = '', previous = '', sequence = 0}
if pointer.generation ~= ARGV[3] or pointer.previous ~= ARGV[4] then return 'moved' end
local gen = redis.call('HMGET', KEYS[3], 'state', 'n_shards', 'n_users', 'users_written', 'sequence', 'pointer', 'promoted_at_ms')
if gen[7] then return 'already' end
if gen[1] ~= 'scoring' and gen[1] ~= 'complete' then return gen[1] or 'unknown' end
if redis.call('HLEN', KEYS[4]) ~= tonumber(gen[2]) or gen[3] ~= gen[4] then return 'incomplete' end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if gen[1] == 'scoring' then redis.call('HSET', KEYS[3], 'state', 'complete', 'completed_at_ms', now) end
if tonumber(gen[5]) < tonumber(pointer.sequence) then return 'superseded' end
local new = cjson.decode(gen[6])
new.sequence = tonumber(gen[5])
new.previous = pointer.generation
redis.call('SET', KEYS[1], cjson.encode(new))
redis.call('HSET', KEYS[3], 'state', 'current', 'promoted_at_ms', now)
if ARGV[3] ~= '' then redis.call('HSET', KEYS[5], 'state', 'previous', 'retired_at_ms', now) end
if ARGV[4] ~= '' and redis.call('EXISTS', KEYS[6]) == 1 then redis.call('HSET', KEYS[6], 'state', 'complete') end
redis.call('LPUSH', KEYS[2], cjson.encode({generation = ARGV[1], at_ms = now, by = ARGV[2]}))
redis.call('LTRIM', KEYS[2], 0, 999)
return 'promoted'
