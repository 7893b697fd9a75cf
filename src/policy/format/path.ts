/** Paths of conditions (policy.md §4): into the arguments, and to counters. */
import type { ArgPath, Segment } from '../../core/condition.ts';
import { STATE_KEY } from './format-conditions.ts';
import { ARGUMENT_PATH, STATE_PATH } from './format-values.ts';

/** A counter as a path names it; `key` is the key of `tools`. */
export interface StatePath {
  readonly key: string;
  readonly counter: string;
}

const SEGMENT = /\.([^.[\]"'*\s]+)|\[(\d+)\]|\[(\*)\]|\[("(?:[^"\\]|\\.)*")\]/g;

/** Reads a path into the arguments. */
export function parseArgPath(text: string): ArgPath | undefined {
  if (!ARGUMENT_PATH.test(text)) return undefined;
  return { text, segments: Array.from(text.slice('args'.length).matchAll(SEGMENT), readSegment) };
}

function readSegment([, key, index, every, quoted]: RegExpMatchArray): Segment {
  if (every !== undefined) return { kind: 'every' };
  if (index !== undefined) return { kind: 'index', index: Number(index) };
  return { kind: 'key', key: quoted === undefined ? (key ?? '') : String(JSON.parse(quoted)) };
}

/** Reads the path of a counter: what follows the last point is the counter, the rest a key of `tools`. */
export function parseStatePath(text: string): StatePath | undefined {
  if (!STATE_PATH.test(text)) return undefined;
  const point = text.lastIndexOf('.');
  const scope = text.slice('state'.length, point);
  const key = scope.startsWith('.') ? scope.slice(1) : String(JSON.parse(scope.slice(1, -1)));
  return { key: key === STATE_KEY ? '*' : key, counter: text.slice(point + 1) };
}

/** The path of a counter as people write it. */
export function renderStatePath(path: StatePath): string {
  return `state.${path.key === '*' ? STATE_KEY : path.key}.${path.counter}`;
}
