-- Which server this is: its role, the identifier that it drew when it started,
-- and the replication history that it left when it was promoted.
local nowhere = string.rep('0', 40)
local function server()
	local info
	if redis.REDIS_VERSION_NUM then -- since Redis 7, which takes several sections
		info = redis.call('INFO', 'replication', 'server')
	else
		info = redis.call('INFO', 'replication') .. redis.call('INFO', 'server')
	end
	local function field(name)
		local _, colon = string.find(info, '\n' .. name .. ':', 1, true)
		return colon and string.match(info, '^%w+', colon + 1)
	end
	return field('role'), field('run_id'), field('master_replid2')
end

-- Whether what was written on a server is on this one, as it was left there.
local function same(run, past, made_run, made_past)
	return made_run == run and (past == nowhere or past == made_past)
end
