-- One batch: every expectation is judged, then everything is done, or nothing is.
--
-- A record is its version (8 bytes) and its value. A set is a sorted set whose members all have the
-- score 0, so that they stand in the order of their bytes. A log is a stream with the ids 1-0, 2-0 ...
--
-- KEYS: the keys of expects, deletes, puts, removes, adds and appends, in this order.
-- ARGV: the version; six counts in the same order; then
--   per expect the version it must have, or '' if there may be no record,
--   per put    the value and its time to live in milliseconds, or '' for ever,
--   per remove and add the member, per append the entry.
-- Answers 1, or 0 if an expectation does not hold.
local version = ARGV[1]
local expects, deletes, puts = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local removes, adds, appends = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local key, arg = 0, 7

for _ = 1, expects do
  key, arg = key + 1, arg + 1
  if redis.call('GETRANGE', KEYS[key], 0, 7) ~= ARGV[arg] then
    return 0
  end
end
for _ = 1, deletes do
  key = key + 1
  redis.call('DEL', KEYS[key])
end
for _ = 1, puts do
  key, arg = key + 1, arg + 2
  local ttl = ARGV[arg]
  if ttl == '' then
    redis.call('SET', KEYS[key], version .. ARGV[arg - 1])
  else
    redis.call('SET', KEYS[key], version .. ARGV[arg - 1], 'PX', ttl)
  end
end
for _ = 1, removes do
  key, arg = key + 1, arg + 1
  redis.call('ZREM', KEYS[key], ARGV[arg])
end
for _ = 1, adds do
  key, arg = key + 1, arg + 1
  redis.call('ZADD', KEYS[key], 0, ARGV[arg])
end
for _ = 1, appends do
  key, arg = key + 1, arg + 1
  redis.call('XADD', KEYS[key], (redis.call('XLEN', KEYS[key]) + 1) .. '-0', 'e', ARGV[arg])
end
return 1
