-- Which server this is: its role, the identifier that it drew when it started,
-- and the replication history that it left when it was promoted.
local nowhere = string.rep('0', 40)
local function server()
	local function field(info, name)
		local _, colon = string.find(info, '\n' .. name .. ':', 1, true)
		return colon and string.match(info, '^%w+', colon + 1)
	end
	local replication = redis.call('INFO', 'replication')
	return field(replication, 'role'), field(redis.call('INFO', 'server'), 'run_id'), field(replication, 'master_replid2')
end

-- Whether what was written on a server is on this one, as it was left there.
local function same(run, past, made_run, made_past)
	return made_run == run and (past == nowhere or past == made_past)
end
