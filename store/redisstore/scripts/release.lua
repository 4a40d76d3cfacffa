-- Ends a quarantine. KEYS[1] the store's own hash, ARGV[3] the server whose
-- settings the caller has looked at.
local role, run, past = server()
if role ~= 'master' then return {'replica'} end
if run ~= ARGV[3] then return {'other'} end
local made = redis.call('HMGET', KEYS[1], 'format')
if not made[1] then return {'none'} end
if made[1] ~= '1' then return {'format', made[1]} end
redis.call('HSET', KEYS[1], 'run', run, 'past', past, 'until', '0')
return {'done'}
