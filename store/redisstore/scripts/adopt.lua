-- Takes the server for the store's from now on, and lets it answer from
-- ARGV[2] on. KEYS[1] the store's own hash, ARGV[1] the caller's clock,
-- ARGV[3] the server whose settings the caller has looked at.
local role, run, past = server()
if role ~= 'master' then return {'replica'} end
if run ~= ARGV[3] then return {'other'} end
local made = redis.call('HMGET', KEYS[1], 'format', 'run', 'past', 'until')
if not made[1] then return {'none'} end
if made[1] ~= '1' then return {'format', made[1]} end
if not same(run, past, made[2], made[3]) then
	-- A quarantine that has begun is not cut short by a second failover.
	if tonumber(made[4]) < tonumber(ARGV[2]) then made[4] = ARGV[2] end
	redis.call('HSET', KEYS[1], 'run', run, 'past', past, 'until', made[4])
end
if tonumber(ARGV[1]) < tonumber(made[4]) then return {'quarantine', made[4]} end
return {'done'}
