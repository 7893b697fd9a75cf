/**
 * Writes what the shared rules decided over what was read (`draft.ts`), if that is still so: a record, a decision, a pause.
 *
 * KEYS: head, applied; then what conditions and writes name by number. ARGV: who asks, the conditions, the writes. A
 * condition is a reading command and what it answered; a write is a command, or one of the four below. Answers with `ok`
 * and the number of the last event, or `again`.
 */
import { guarded } from './script.ts';

export const COMMIT = guarded(`
local conditions, writes = cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
for _, c in ipairs(conditions) do
  local was = redis.call(c[1], KEYS[c[2]], unpack(c, 3, #c - 1))
  if was ~= c[#c] then return {'again'} end
end
local event = '0'
for _, w in ipairs(writes) do
  local name, key = w[1], KEYS[w[2]]
  if name == 'give' then giveBack(key, w[3], tonumber(w[4]))
  elseif name == 'count' then
    local start, ends = window(w[5], tonumber(w[6]))
    writeCounter(key, KEYS[w[3]], w[4], w[5], start, ends, tonumber(w[7]), redis.call('HEXISTS', key, w[6]) == 0)
  elseif name == 'place' then
    local place = fmt(redis.call('HINCRBY', KEYS[1], 'places', 1))
    redis.call('ZADD', KEYS[w[3]], place, w[4])
    redis.call('HSET', key, 'place', place)
  elseif name == 'event' then
    event = fmt(redis.call('HINCRBY', KEYS[1], 'events', 1))
    redis.call('XADD', key, event .. '-0', 'type', w[3], 'approval', w[4], 'at', w[5])
    redis.call('HSET', KEYS[w[6]], 'e' .. event, '1')
    if w[7] then redis.call('ZADD', KEYS[w[7]], w[5], event) end
  else redis.call(name, key, unpack(w, 3)) end
end
ran()
return {'ok', event}
`);
