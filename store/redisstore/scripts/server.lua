-- Which server this is: its role, the identifier that it drew when it started,
-- and the replication history that it left when it was promoted.
local nowhere = string.rep('0', 40)
local function server()
	local info = '\n' .. redis.call('INFO', 'server') .. '\n' .. redis.call('INFO', 'replication')
	local function field(name) return string.match(info, '\n' .. name .. ':(%w+)') end
	return field('role'), field('run_id'), field('master_replid2')
end

-- Whether what was written on a server is on this one, as it was left there.
local function same(run, past, made_run, made_past)
	return made_run == run and (past == nowhere or past == made_past)
end
