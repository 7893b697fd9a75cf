/** The beginning of all scripts (scale.md §3, §4). A script is sent by its hash, and whole where the server does not know it. */
import { createHash } from 'node:crypto';

export interface Script {
  readonly text: string;
  readonly hash: string;
}

/** A script that first finds out whether this instance may do anything (scale.md §6): `G` is who asks, `now` the time. */
export function guarded(body: string): Script {
  return scriptOf(`${GUARD}\n${body}`);
}

export function scriptOf(text: string): Script {
  return { text, hash: createHash('sha1').update(text).digest('hex') };
}

/**
 * Numbers are doubles: exact up to 2^53, and what is written goes through `fmt`, since `..` and `tostring` round to 14
 * digits. Windows and how long they are kept: as `core/window.ts` and `state/lifetime.ts` say.
 */
export const TIME_LUA = `
local function fmt(n) return string.format('%.0f', n) end
local floor = math.floor
local LENGTH = {second=1000, minute=60000, hour=3600000, day=86400000, week=604800000}
local function firstOf(y, m)
  if m > 12 then y, m = y + 1, 1 end
  if m <= 2 then y = y - 1 end
  local era = floor(y / 400)
  local yoe = y - era * 400
  local mp = (m + 9) % 12
  local doe = yoe * 365 + floor(yoe / 4) - floor(yoe / 100) + floor((153 * mp + 2) / 5)
  return (era * 146097 + doe - 719468) * 86400000
end
local function window(unit, at)
  if unit == 'month' then
    local z = floor(at / 86400000) + 719468
    local era = floor(z / 146097)
    local doe = z - era * 146097
    local yoe = floor((doe - floor(doe / 1460) + floor(doe / 36524) - floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + floor(yoe / 4) - floor(yoe / 100))
    local mp = floor((5 * doy + 2) / 153)
    local m = mp < 10 and mp + 3 or mp - 9
    local y = yoe + era * 400 + (m <= 2 and 1 or 0)
    return firstOf(y, m), firstOf(y, m + 1)
  end
  local origin = unit == 'week' and -259200000 or 0
  local length = LENGTH[unit]
  local start = origin + floor((at - origin) / length) * length
  return start, start + length
end
local STEP_BACK = 62000
local function keepUntil(unit, ends)
  local _, later = window(unit, ends)
  return math.max(later, ends + STEP_BACK)
end
`;

/**
 * KEYS[1] is the head, KEYS[2] what ran of each instance, ARGV[1] who asks. Nothing is written where the store is another
 * one, is fenced, waits for a roll call, or has lost what this instance knows it has written.
 */
const GUARD = `${TIME_LUA}
local G = cjson.decode(ARGV[1])
local now = G.t
if not now then local t = redis.call('TIME'); now = t[1] * 1000 + floor(t[2] / 1000) end
local H = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'fence', 'newest', 'stored', 'filled')
if H[3] then return {'fenced', H[3]} end
if H[1] ~= G.e then return {'replaced', H[1] or ''} end
if H[2] ~= G.r then return {'roll', H[2] or ''} end
local applied = tonumber(redis.call('HGET', KEYS[2], G.i) or '0')
if applied < G.a then return {'lost', fmt(applied)} end
if G.n <= applied then return {'stale', fmt(applied)} end
local newest = tonumber(H[4] or '0')
local stored = tonumber(H[5] or '0')
local function ran()
  redis.call('HSET', KEYS[2], G.i, fmt(G.n))
  redis.call('HINCRBY', KEYS[1], 'tick', 1)
end
local function advance()
  if now - newest >= 1000 then redis.call('HSET', KEYS[1], 'newest', fmt(now)) end
end
local function dropOld(key, unit)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local _, ends = window(unit, tonumber(field))
    if keepUntil(unit, ends) <= now then redis.call('HDEL', key, field) end
  end
end
local function giveBack(key, start, micros)
  local value = redis.call('HGET', key, start)
  if value then redis.call('HSET', key, start, fmt(math.max(0, tonumber(value) - micros))) end
end
local function writeCounter(key, index, member, unit, start, ends, value, isNew)
  redis.call('HSET', key, fmt(start), fmt(value))
  if not isNew then return end
  local keep = keepUntil(unit, ends)
  dropOld(key, unit)
  redis.call('ZADD', index, fmt(keep), member)
  if G.x then
    redis.call('PEXPIREAT', key, fmt(keep))
    redis.call('PEXPIREAT', index, fmt(now + 6000000000))
  end
end
`;
