-- Points `items` at a revision of the items, unless a later one is there.
-- KEYS 1 items  2 item_revisions
-- ARGV 1 revision  2 pointer as JSON
-- Returns 1 switched, or 0: a later revision is current, so this one is left unread.
local function leave(revision)
  local entry = redis.call('HGET', KEYS[2], revision)
  if not entry then return end
  local time = redis.call('TIME')
  entry = cjson.decode(entry)
  entry.state = 'left'
  entry.at_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[2], revision, cjson.encode(entry))
end
local current = redis.call('GET', KEYS[1])
local before = current and cjson.decode(current).revision or 0
if before > tonumber(ARGV[1]) then
  leave(ARGV[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
if before > 0 and before ~= tonumber(ARGV[1]) then leave(string.format('%d', before)) end
return 1
