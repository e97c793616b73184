-- Enters events into the stream: all that are new, or none.
-- KEYS 1 stream  2 state  3 beginning of the keys of ids (all in one slot)
-- ARGV 1 greatest number of bytes  2 greatest age of the oldest in ms  3 seconds for which an id is known at the least, then for each event
--      the digest of its id and the event
-- Returns -1: refused for its bytes; -2: for the age of the oldest; else 1 for each event that is new, 0 for each that had come before,
-- and then when they came, in us: no two calls have the same. An id says the same: ms, and 1000 * call within the ms + place in the call.
local entry, known_id = 32, 64 -- bytes that one of them takes besides its own, about
local clock = redis.call('TIME')
local window = math.floor(tonumber(clock[1]) / tonumber(ARGV[3]))
local ids, before = KEYS[3] .. ':' .. window, KEYS[3] .. ':' .. (window - 1)
local n = (#ARGV - 3) / 2
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if oldest then
  local age = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000) - tonumber(string.match(oldest[1], '^%d+'))
  if age > tonumber(ARGV[2]) then
    redis.call('HINCRBY', KEYS[2], 'refused', n)
    return -2
  end
end
local coming = 0
for at = 5, #ARGV, 2 do coming = coming + #ARGV[at] + entry + known_id end
local known = (redis.call('SCARD', ids) + redis.call('SCARD', before)) * known_id
if tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0) + known + coming > tonumber(ARGV[1]) then
  redis.call('HINCRBY', KEYS[2], 'refused', n)
  return -1
end
local ms, call = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000), 0
if redis.call('EXISTS', KEYS[1]) == 1 then
  local told = redis.call('XINFO', 'STREAM', KEYS[1])
  for at = 1, #told, 2 do
    if told[at] == 'last-generated-id' then
      local last_ms, last_number = string.match(told[at + 1], '^(%d+)-(%d+)$')
      if tonumber(last_ms) >= ms then ms, call = tonumber(last_ms), math.floor(tonumber(last_number) / 1000) + 1 end
    end
  end
end
local new, bytes, entered = {}, 0, 0
for at = 4, #ARGV, 2 do
  local is_new = 0
  if redis.call('SISMEMBER', before, ARGV[at]) == 0 then is_new = redis.call('SADD', ids, ARGV[at]) end
  if is_new == 1 then
    redis.call('XADD', KEYS[1], string.format('%.0f-%.0f', ms, call * 1000 + entered), 'e', ARGV[at + 1])
    bytes, entered = bytes + #ARGV[at + 1] + entry, entered + 1
  end
  new[#new + 1] = is_new
end
redis.call('EXPIRE', ids, 2 * tonumber(ARGV[3]))
redis.call('HINCRBY', KEYS[2], 'bytes', bytes)
redis.call('HINCRBY', KEYS[2], 'accepted', entered)
redis.call('HINCRBY', KEYS[2], 'repeated', n - entered)
new[#new + 1] = ms * 1000 + call
return new
