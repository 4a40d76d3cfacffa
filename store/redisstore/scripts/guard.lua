-- KEYS[1] the store's own hash, ARGV[1] the caller's clock in milliseconds
do
	local role, run, past = server()
	if role ~= 'master' then return {'replica'} end
	local made = redis.call('HMGET', KEYS[1], 'format', 'run', 'past', 'until')
	if not made[1] then return {'none'} end
	if made[1] ~= '1' then return {'format', made[1]} end
	if not same(run, past, made[2], made[3]) then return {'other'} end
	if tonumber(ARGV[1]) < tonumber(made[4]) then return {'quarantine', made[4]} end
end
