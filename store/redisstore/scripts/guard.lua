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

-- The states and how many records are in each, or nil if that is not what the store has
-- counted in all: every record is in one state.
local function states()
	local fields, found, sum, records = redis.call('HGETALL', KEYS[1]), {}, 0, nil
	for i = 1, #fields, 2 do
		local n = tonumber(fields[i + 1])
		if fields[i] == 'records' then
			records = n
		elseif string.sub(fields[i], 1, 3) == 'in ' then
			found[#found + 1] = {string.sub(fields[i], 4), n}
			sum = sum + (n or 0)
		end
	end
	if sum == records then return found end
end
