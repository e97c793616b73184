-- Adds what an API process counted of an experiment's arms since it last did, and in which slots answers were broken for the first time.
-- KEYS 1 answers:EXPERIMENT  2 broken:EXPERIMENT
-- ARGV 1 JSON {counts: {"ARM OUTCOME": n}, slots: {"SINCE": JSON of the slots by arm}, broken: [["OUTCOME SLOT", "ARM SINCE"]]}
--      2 for how many seconds both are kept
local told = cjson.decode(ARGV[1])
for field, n in pairs(told.counts) do redis.call('HINCRBY', KEYS[1], field, n) end
for since, slots in pairs(told.slots) do redis.call('HSETNX', KEYS[1], 'slots ' .. since, slots) end
for _, one in ipairs(told.broken) do
  -- The number says in which order slots came, over all processes.
  redis.call('HSETNX', KEYS[2], one[1], string.format('%s %d', one[2], redis.call('HLEN', KEYS[2])))
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
