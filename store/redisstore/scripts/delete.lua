-- KEYS[2] the index, KEYS[3] the record, ARGV[2] its member of the index,
-- ARGV[3] the version that must be there
local was = redis.call('HMGET', KEYS[3], 'version', 'state')
local listed = redis.call('ZSCORE', KEYS[2], ARGV[2])
if (not was[1]) ~= (not listed) then return {'lost'} end
if was[1] ~= ARGV[3] then return {'conflict'} end
redis.call('DEL', KEYS[3])
redis.call('ZREM', KEYS[2] .. ':' .. was[2], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
return {'done'}
