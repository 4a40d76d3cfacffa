-- KEYS[2] the index, KEYS[3] what every record's key begins with,
-- ARGV[2] and ARGV[3] the ends of the range, ARGV[4] how many records,
-- ARGV[5] the state, empty for any, ARGV[6] the bytes after which a page ends
local index = KEYS[2]
if ARGV[5] ~= '' then index = index .. ':' .. ARGV[5] end
local limit, room = tonumber(ARGV[4]), tonumber(ARGV[6])
local members = redis.call('ZRANGEBYLEX', index, ARGV[2], ARGV[3], 'LIMIT', 0, limit + 1)
local page = {'done', 'last'}
for i, member in ipairs(members) do
	if i > limit or room <= 0 then
		page[2] = 'more'
		break
	end
	local found = redis.call('HMGET', KEYS[3] .. member, 'version', 'state', 'sealed', 'updated')
	if not found[1] or (ARGV[5] ~= '' and found[2] ~= ARGV[5]) then return {'lost'} end
	room = room - #found[3]
	page[#page + 1] = member
	for j = 1, 4 do page[#page + 1] = found[j] end
end
return page
