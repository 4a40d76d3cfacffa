-- KEYS[2] the index, ARGV[2] and ARGV[3] the ends of the range
local counts = {'done'}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
	if string.sub(fields[i], 1, 3) == 'in ' then
		local state = string.sub(fields[i], 4)
		local index = KEYS[2] .. '\0' .. state
		if redis.call('ZCARD', index) ~= tonumber(fields[i + 1]) then return {'lost'} end
		counts[#counts + 1] = state
		counts[#counts + 1] = tostring(redis.call('ZLEXCOUNT', index, ARGV[2], ARGV[3]))
	end
end
return counts
