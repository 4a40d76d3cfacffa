-- KEYS[2] the index, KEYS[3] the record, KEYS[4] the index by due time,
-- ARGV[2] the record's member of the index, ARGV[3] the version that must be there
local was = redis.call('HMGET', KEYS[3], 'version', 'state', 'due')
local listed = redis.call('ZSCORE', KEYS[2], ARGV[2])
if (not was[1]) ~= (not listed) then return {'lost'} end
if was[1] ~= ARGV[3] then return {'conflict'} end
local state = KEYS[2] .. '\0' .. was[2]
if not redis.call('ZSCORE', state, ARGV[2]) then return {'lost'} end
if was[3] ~= '' and not redis.call('ZSCORE', KEYS[4], was[3] .. ARGV[2]) then return {'lost'} end
redis.call('DEL', KEYS[3])
redis.call('ZREM', state, ARGV[2])
count('in ' .. was[2], -1)
if was[3] ~= '' then
	redis.call('ZREM', KEYS[4], was[3] .. ARGV[2])
	count('due', -1)
end
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('HINCRBY', KEYS[1], 'records', -1)
return {'done'}
