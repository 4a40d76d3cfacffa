-- KEYS[1] the store's own hash, KEYS[2] the index, KEYS[4] the
-- index by due time, ARGV[3] the server whose
-- settings the caller has looked at.
local role, run, past = server()
if role ~= 'master' then return {'replica'} end
if run ~= ARGV[3] then return {'other'} end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists'} end
-- Accounts without the hash that says whose they are: something was lost.
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('EXISTS', KEYS[4]) == 1 then return {'lost'} end
redis.call('HSET', KEYS[1], 'format', '1', 'run', run, 'past', past, 'until', '0', 'records', '0')
return {'done'}
