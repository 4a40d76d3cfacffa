-- KEYS[2] the index, KEYS[3] the record, KEYS[4] the index by due time,
-- ARGV[2] the record's member of the index, ARGV[3] the version that must be
-- there, empty for none, ARGV[4..8] version, state, sealed, updated, due
local was = redis.call('HMGET', KEYS[3], 'version', 'state', 'due')
local listed = redis.call('ZSCORE', KEYS[2], ARGV[2])
if (not was[1]) ~= (not listed) then return {'lost'} end
if (was[1] or '') ~= ARGV[3] then return {'conflict'} end
local state, due = KEYS[2] .. '\0', was[3] or ''
local moves, shifts = was[2] ~= ARGV[5], due ~= ARGV[8]
-- All is looked at before anything is written: a script is not rolled back.
if moves and not (whole(state .. ARGV[5], 'in ' .. ARGV[5])
	and (not was[2] or redis.call('ZSCORE', state .. was[2], ARGV[2]))) then return {'lost'} end
if shifts and not (whole(KEYS[4], 'due') and (due == '' or redis.call('ZSCORE', KEYS[4], due .. ARGV[2]))) then return {'lost'} end
-- A server without memory refuses the first command that takes some. The
-- record comes last: what a script broke off is then noticed as lost.
if not listed then
	redis.call('ZADD', KEYS[2], 0, ARGV[2])
	redis.call('HINCRBY', KEYS[1], 'records', 1)
end
if moves then
	redis.call('ZADD', state .. ARGV[5], 0, ARGV[2])
	count('in ' .. ARGV[5], 1)
	if was[2] then
		redis.call('ZREM', state .. was[2], ARGV[2])
		count('in ' .. was[2], -1)
	end
end
if shifts then
	if ARGV[8] ~= '' then
		redis.call('ZADD', KEYS[4], 0, ARGV[8] .. ARGV[2])
		count('due', 1)
	end
	if due ~= '' then
		redis.call('ZREM', KEYS[4], due .. ARGV[2])
		count('due', -1)
	end
end
redis.call('HSET', KEYS[3], 'version', ARGV[4], 'state', ARGV[5], 'sealed', ARGV[6], 'updated', ARGV[7], 'due', ARGV[8])
return {'done'}
