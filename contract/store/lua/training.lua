-- The right to train: one run at a time, for as long as its process shows life.
-- KEYS 1 training  2 fence
-- ARGV 1 'acquire', 'renew' or 'release'  2 run  3 token, or ''  4 lease in ms
-- Returns for 'acquire' a token, greater than any before, or 0 while another run trains; else 1 or 0: whether the right was this token's.
local holder = redis.call('GET', KEYS[1])
if ARGV[1] == 'acquire' then
  if holder and string.match(holder, ' (.*)') ~= ARGV[2] then return 0 end
  local token = redis.call('INCR', KEYS[2])
  redis.call('SET', KEYS[1], token .. ' ' .. ARGV[2], 'PX', ARGV[4])
  return token
end
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
if ARGV[1] == 'renew' then
  redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. ARGV[2], 'PX', ARGV[4])
else
  redis.call('DEL', KEYS[1])
end
return 1
