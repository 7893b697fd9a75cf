/**
 * Finds out the loss of writes, and ends the fence that follows (scale.md §6): the store's epoch, the number of writes of each
 * instance, a roll call where the server process is another one, and the clock of the server.
 */
import { scriptOf, TIME_LUA } from './script.ts';

/** KEYS: head. ARGV: schema, epoch, run, replicas. Begins a store where there is none; answers with what the head says. */
export const BEGIN = scriptOf(`
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 and ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'schema', ARGV[1], 'epoch', ARGV[2], 'run', ARGV[3], 'replicas', ARGV[4], 'newest', '0', 'tick', '0')
end
return redis.call('HMGET', KEYS[1], 'schema', 'epoch', 'run', 'replicas', 'tick', 'fence', 'adopted')
`);

/** KEYS: head. ARGV: the fence, the epoch that was lost. The first one that stands stays. */
export const FENCE = scriptOf(`
redis.call('HSETNX', KEYS[1], 'fence', ARGV[1])
if ARGV[2] ~= '' then
  local known = redis.call('HGET', KEYS[1], 'lost') or ''
  if not string.find(known, ARGV[2], 1, true) then redis.call('HSET', KEYS[1], 'lost', known .. ' ' .. ARGV[2]) end
end
return redis.call('HGET', KEYS[1], 'fence')
`);

/**
 * KEYS: head, applied, seen, who signed. ARGV: instance, what it has written, its server's run id, its time or ''. Answers
 * `ok` once all who were heard in the last 15 s have compared, or 2 s have passed; `wait`; or `lost`.
 */
export const ROLL = scriptOf(`${TIME_LUA}
local run = redis.call('HGET', KEYS[1], 'run')
if run == ARGV[3] then return {'ok'} end
local t = redis.call('TIME')
local now = ARGV[4] ~= '' and tonumber(ARGV[4]) or t[1] * 1000 + floor(t[2] / 1000)
local applied = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if applied < tonumber(ARGV[2]) then return {'lost', fmt(applied)} end
local roll = redis.call('HMGET', KEYS[1], 'roll', 'rollSince')
if roll[1] ~= ARGV[3] then
  redis.call('DEL', KEYS[4])
  redis.call('HSET', KEYS[1], 'roll', ARGV[3], 'rollSince', fmt(now))
  roll[2] = fmt(now)
end
redis.call('SADD', KEYS[4], ARGV[1])
local since = tonumber(roll[2])
local all = redis.call('HGETALL', KEYS[3])
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) >= since - 15000 and redis.call('SISMEMBER', KEYS[4], all[i]) == 0 and now - since < 2000 then
    return {'wait'}
  end
end
redis.call('HSET', KEYS[1], 'run', ARGV[3])
redis.call('HDEL', KEYS[1], 'roll', 'rollSince')
redis.call('DEL', KEYS[4])
return {'ok'}
`);

export const SIGNED = '{intercept}:signed';

/** Why the store takes no calls. */
export interface Fence {
  readonly why: string;
  /** The instance that found it out, and when it did, epoch ms. */
  readonly by: string;
  readonly at: number;
}

/** A clock of a server that moved by more than this against both of this host's is another clock. */
const JUMP = 60_000;

export interface ClockWatch {
  /** Compares a time of the server; false where it moved by itself. */
  agrees(server: number): boolean;
}

/** Remembers one pair of times and compares the next with it. A host whose own clocks disagree slept, or was set: it learns the server's time anew. */
export function watchClock(wall: () => number, steady: () => number): ClockWatch {
  let last: { readonly server: number; readonly wall: number; readonly steady: number } | undefined;
  return {
    agrees(server) {
      const next = { server, wall: wall(), steady: steady() };
      const before = last;
      last = next;
      if (!before) return true;
      const [moved, byWall, bySteady] = [server - before.server, next.wall - before.wall, next.steady - before.steady];
      if (Math.abs(byWall - bySteady) > JUMP) return true;
      return Math.abs(moved - byWall) <= JUMP || Math.abs(moved - bySteady) <= JUMP;
    },
  };
}
