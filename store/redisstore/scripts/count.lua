-- KEYS[2] the index, ARGV[2] and ARGV[3] the ends of the range
local found = states()
if not found then return {'lost'} end
local counts = {'done'}
for _, state in ipairs(found) do
	local index = KEYS[2] .. '\0' .. state[1]
	if redis.call('ZCARD', index) ~= state[2] then return {'lost'} end
	counts[#counts + 1] = state[1]
	counts[#counts + 1] = tostring(redis.call('ZLEXCOUNT', index, ARGV[2], ARGV[3]))
end
return counts
