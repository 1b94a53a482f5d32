#!lua
-- One batch: every expectation is judged, then everything is done, or nothing is.
--
-- A record is its version (8 bytes) and its value. A set is a sorted set whose members all have the
-- score 0, so that they stand in the order of their bytes. A log is a stream with the ids 0-1, 0-2 ...
-- The work is bounded by the number of keys: nothing is searched.
--
-- KEYS: the keys of expects, deletes, puts, removes, adds and appends, in this order.
-- ARGV: six counts in the same order; then
--   per expect the version it must have, or '' if there may be no record,
--   per put    version and value, and the time to live in milliseconds, or '' for ever,
--   per remove and add the member, per append the entry.
-- Answers 1, or 0 if an expectation does not hold.
local call = redis.call
local expects, deletes, puts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local removes, adds, appends = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local key, arg = 0, 6

for _ = 1, expects do
  key, arg = key + 1, arg + 1
  if call('GETRANGE', KEYS[key], 0, 7) ~= ARGV[arg] then
    return 0
  end
end
for _ = 1, deletes do
  key = key + 1
  call('DEL', KEYS[key])
end
for _ = 1, puts do
  key, arg = key + 1, arg + 2
  local ttl = ARGV[arg]
  if ttl == '' then
    call('SET', KEYS[key], ARGV[arg - 1])
  else
    call('SET', KEYS[key], ARGV[arg - 1], 'PX', ttl)
  end
end
for _ = 1, removes do
  key, arg = key + 1, arg + 1
  call('ZREM', KEYS[key], ARGV[arg])
end
for _ = 1, adds do
  key, arg = key + 1, arg + 1
  call('ZADD', KEYS[key], 0, ARGV[arg])
end
for _ = 1, appends do
  key, arg = key + 1, arg + 1
  call('XADD', KEYS[key], '0-*', 'e', ARGV[arg])
end
return 1
