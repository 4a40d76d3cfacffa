-- KEYS[1] the store's own hash, KEYS[2] the index, ARGV[1] the caller's clock in
-- milliseconds
do
	local role, run, past = server()
	if role ~= 'master' then return {'replica'} end
	local made = redis.call('HMGET', KEYS[1], 'format', 'run', 'past', 'until', 'records')
	if not made[1] then return {'none'} end
	if made[1] ~= '1' then return {'format', made[1]} end
	if not same(run, past, made[2], made[3]) then return {'other'} end
	if tonumber(ARGV[1]) < tonumber(made[4]) then return {'quarantine', made[4]} end
	-- Without a count of its own, a record that is gone together with its entry in
	-- the index would read as one that never was.
	if tonumber(made[5]) ~= redis.call('ZCARD', KEYS[2]) then return {'lost'} end
end

-- Changes a count of the store, and leaves none of zero behind.
local function count(name, by)
	if redis.call('HINCRBY', KEYS[1], name, by) == 0 then redis.call('HDEL', KEYS[1], name) end
end

-- Whether an index of some of the records has as many as the store has counted.
local function whole(key, name)
	return redis.call('ZCARD', key) == tonumber(redis.call('HGET', KEYS[1], name) or 0)
end
