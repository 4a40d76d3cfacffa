-- KEYS[2] the index, KEYS[3] the record, ARGV[2] its member of the index,
-- ARGV[3] the version that must be there, empty for none,
-- ARGV[4..7] version, state, sealed, updated
local was = redis.call('HMGET', KEYS[3], 'version', 'state')
local listed = redis.call('ZSCORE', KEYS[2], ARGV[2])
if (not was[1]) ~= (not listed) then return {'lost'} end
if (was[1] or '') ~= ARGV[3] then return {'conflict'} end
-- A server without memory refuses the first command that takes some. The
-- record comes last: what a script broke off is then noticed as lost.
if not listed then redis.call('ZADD', KEYS[2], 0, ARGV[2]) end
if was[2] ~= ARGV[5] then
	redis.call('ZADD', KEYS[2] .. ':' .. ARGV[5], 0, ARGV[2])
	if was[2] then redis.call('ZREM', KEYS[2] .. ':' .. was[2], ARGV[2]) end
end
redis.call('HSET', KEYS[3], 'version', ARGV[4], 'state', ARGV[5], 'sealed', ARGV[6], 'updated', ARGV[7])
return {'done'}
