-- KEYS[2] the index, KEYS[3] the record, ARGV[2] its member of the index
local found = redis.call('HMGET', KEYS[3], 'version', 'state', 'sealed', 'updated', 'due')
local listed = redis.call('ZSCORE', KEYS[2], ARGV[2])
if (not found[1]) ~= (not listed) then return {'lost'} end
if not found[1] then return {'absent'} end
return {'done', ARGV[2], found[1], found[2], found[3], found[4], found[5]}
