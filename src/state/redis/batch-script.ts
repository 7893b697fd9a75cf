/**
 * One batch (scale.md §4): what has ended is settled, then the calls are judged in order, as `state/step.ts` does, up to the
 * first one that needs a record of an approval or a challenge. The judging is a copy of `core/judge.ts`; a property test
 * compares the two.
 *
 * KEYS: head, applied, the namespace's counters, claims by age, by end, with results, names; then what the batch names by
 * number. ARGV: who asks, the batch as JSON. Answers with `ok`, the time, the bytes of stored results, and a row per call.
 */
import { guarded } from './script.ts';

export const BATCH = guarded(`
local B = cjson.decode(ARGV[2])
local MAX = 9007199254740991
local LEASE, SLEEP = 10000, 86400000

local function forget(key, name)
  local bytes = redis.call('HGET', key, 'resultBytes')
  if bytes then
    stored = stored - tonumber(bytes)
    redis.call('HINCRBY', KEYS[1], 'stored', '-' .. bytes)
  end
  redis.call('DEL', key)
  redis.call('ZREM', KEYS[4], key); redis.call('ZREM', KEYS[5], key); redis.call('ZREM', KEYS[6], key)
  redis.call('ZREM', KEYS[7], name)
end

local ending = now
if newest - now > 60000 then ending = newest end
for _, s in ipairs(B.s) do
  for _, d in ipairs(s.d) do giveBack(KEYS[d[1]], d[2], d[3]) end
  local q = s.q
  if q then
    local key = KEYS[q.k]
    local held = redis.call('HMGET', key, 'token', 'state')
    if held[1] == q.t and held[2] == 'in_flight' then
      if q.o == 'released' then forget(key, q.n)
      else
        local till = ending + q.w
        redis.call('HSET', key, 'state', q.o == 'kept' and 'unknown' or 'done', 'until', fmt(till), 'finishedAt', fmt(ending))
        redis.call('ZADD', KEYS[5], fmt(till + STEP_BACK), key)
        if q.o ~= 'kept' then redis.call('HSET', key, 'args', '') end
        if q.r then
          redis.call('HSET', key, 'result', q.r, 'resultBytes', fmt(q.b))
          redis.call('ZADD', KEYS[6], fmt(ending), key)
          redis.call('HINCRBY', KEYS[1], 'stored', fmt(q.b))
          stored = stored + q.b
        end
      end
    end
  end
end

local answers = {'ok', fmt(now), '0'}
if #B.c > 0 and newest - now > 60000 then ran(); return {'clock', fmt(now), fmt(newest)} end
if #B.c > 0 then advance() end

local cells, order = {}, {}
local function cell(counter)
  local known = cells[counter[1]]
  if known then return known end
  local start, ends = window(counter[2], now)
  local was = redis.call('HGET', KEYS[counter[1]], fmt(start))
  known = {counter=counter, start=start, ends=ends, isNew=not was, before=tonumber(was or '0')}
  if H[6] and ends - start > 60000 and start < tonumber(H[6]) then known.before = MAX end
  known.value = known.before
  cells[counter[1]] = known
  order[#order + 1] = known
  return known
end
local function has(list, value)
  for _, each in ipairs(list) do if each == value then return true end end
  return false
end
local function drawn(call, counter)
  local total = 0
  for _, d in ipairs(call.d) do if d[1] == counter then total = total + d[2] end end
  return total
end
local function holds(t, call, used)
  local value = used[t[1] + 1] and used[t[1] + 1].value or 0
  if t[2] and value < t[2] then return false end
  if t[3] and value > t[3] then return false end
  if t[5] and not has(t[5], value) then return false end
  if t[6] and has(t[6], value) then return false end
  return not t[4] or value + drawn(call, t[1]) <= math.min(t[4], MAX)
end
local function brokenTerm(terms, call, used)
  for _, t in ipairs(terms) do if not holds(t, call, used) then return t end end
  return nil
end
local function deny(step, counter, shadow, used)
  local ends = counter and used[counter + 1] and fmt(used[counter + 1].ends) or ''
  return {'d', fmt(step), counter and fmt(counter) or '', ends, table.concat(shadow, ',')}
end
local function about(call, counter)
  for i, s in ipairs(call.s) do
    if not s[2] then for _, t in ipairs(s[3]) do if t[1] == counter then return i - 1 end end end
  end
  return 0
end

local function standingClaim(q)
  local row = redis.call('HMGET', KEYS[q.k], 'state', 'until', 'window')
  if not row[1] then return false end
  local till = tonumber(row[2])
  return till > now or (row[1] == 'in_flight' and till + tonumber(row[3]) > now)
end
local function takeClaim(q)
  local key = KEYS[q.k]
  forget(key, q.n)
  redis.call('HSET', key, 'state', 'in_flight', 'claimedAt', fmt(now), 'until', fmt(now + LEASE), unpack(q.f))
  redis.call('ZADD', KEYS[4], fmt(now), key)
  redis.call('ZADD', KEYS[5], fmt(now + LEASE + q.w + SLEEP), key)
  redis.call('ZADD', KEYS[7], 0, q.n)
end

local function judge(call)
  if call.q and standingClaim(call.q) then
    return {'q', unpack(redis.call('HGETALL', KEYS[call.q.k]))}
  end
  if call.p then return {'s'} end
  local used = {}
  for i, counter in ipairs(call.c) do used[i] = cell(counter) end
  local shadow, fired = {}, nil
  for i, s in ipairs(call.s) do
    local broken = brokenTerm(s[3], call, used)
    local decides
    if s[1] == 0 then decides = broken ~= nil else decides = broken == nil end
    if decides then
      if s[2] then shadow[#shadow + 1] = fmt(i - 1)
      elseif s[1] == 2 then fired = fired or (i - 1)
      else
        local counter
        if broken then counter = broken[1] elseif s[3][1] then counter = s[3][1][1] end
        return deny(i - 1, counter, shadow, used)
      end
    end
  end
  local totals = {}
  for _, d in ipairs(call.d) do
    local skip = false
    for _, index in ipairs(d[3]) do if has(shadow, fmt(index)) then skip = true end end
    if not skip then
      local c = used[d[1] + 1]
      local total = (totals[c] or c.value) + d[2]
      if not (total <= MAX) then return deny(about(call, d[1]), d[1], shadow, used) end
      totals[c] = total
    end
  end
  if fired then
    if call.h then return {'s'} end
    return {'h', fmt(fired), table.concat(shadow, ',')}
  end
  for c, total in pairs(totals) do c.value = total end
  if call.q then takeClaim(call.q) end
  local starts = {}
  for i, c in ipairs(used) do starts[i] = fmt(c.start) end
  return {'r', table.concat(shadow, ','), table.concat(starts, ',')}
end

for _, call in ipairs(B.c) do
  local answer = judge(call)
  answers[#answers + 1] = answer
  if answer[1] == 's' then break end
end
for _, c in ipairs(order) do
  if c.value ~= c.before then
    writeCounter(KEYS[c.counter[1]], KEYS[3], c.counter[3], c.counter[2], c.start, c.ends, c.value, c.isNew)
  end
end
ran()
answers[3] = fmt(stored)
return answers
`);
