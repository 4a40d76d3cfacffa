-- KEYS[2] the index, KEYS[3] what every record's key begins with, KEYS[4] the
-- index by due time, ARGV[2] and ARGV[3] the ends of the range, ARGV[4] how many
-- records, ARGV[5] the state, empty for any, ARGV[6] the bytes after which a page
-- ends, ARGV[7] 'due' for a list by due time, ARGV[8] 'heads' for one without sealed
local index, by_due, sealed = KEYS[2], ARGV[7] == 'due', 'sealed'
if ARGV[5] ~= '' then
	index = index .. '\0' .. ARGV[5]
	if not whole(index, 'in ' .. ARGV[5]) then return {'lost'} end
	-- The state has no accounts, or its index and count were deleted.
	if redis.call('EXISTS', index) == 0 and not states() then return {'lost'} end
elseif by_due then
	index = KEYS[4]
	if not whole(index, 'due') then return {'lost'} end
end
if ARGV[8] == 'heads' then sealed = 'none' end -- a field that no record has
local limit, room = tonumber(ARGV[4]), tonumber(ARGV[6])
local members = redis.call('ZRANGEBYLEX', index, ARGV[2], ARGV[3], 'LIMIT', 0, limit + 1)
local page = {'done', 'last'}
for i, member in ipairs(members) do
	if i > limit or room <= 0 then
		page[2] = 'more'
		break
	end
	local due = string.sub(member, 1, 8)
	if by_due then member = string.sub(member, 9) end
	local found = redis.call('HMGET', KEYS[3] .. member, 'version', 'state', sealed, 'updated', 'due')
	if not found[1] or (ARGV[5] ~= '' and found[2] ~= ARGV[5]) or (by_due and found[5] ~= due) then return {'lost'} end
	found[3] = found[3] or ''
	room = room - #found[3]
	page[#page + 1] = member
	for j = 1, 5 do page[#page + 1] = found[j] end
end
return page
