-- Claims a generation for deletion, unless it is served, an arm of the experiment, or readers may still hold a pointer to it.
-- KEYS 1 current  2 gen:ID
-- ARGV 1 generation id  2 grace in ms since the last reference
-- Returns the ms since it was claimed (0 now), or -1: leave it alone.
local current = redis.call('GET', KEYS[1])
if current then
  local pointer = cjson.decode(current)
  if pointer.generation == ARGV[1] or pointer.previous == ARGV[1] then return -1 end
  for _, arm in ipairs(pointer.experiment and pointer.experiment.arms or {}) do
    if arm.pointer and arm.pointer.generation == ARGV[1] then return -1 end
  end
end
local gen = redis.call('HMGET', KEYS[2], 'state', 'retired_at_ms', 'completed_at_ms', 'pruned_at_ms')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if gen[1] == 'pruned' then return now - tonumber(gen[4]) end
if gen[1] ~= 'complete' and gen[1] ~= 'failed' then return -1 end
if now - tonumber(gen[2] or gen[3] or now) < tonumber(ARGV[2]) then return -1 end
redis.call('HSET', KEYS[2], 'state', 'pruned', 'pruned_at_ms', now)
return 0
