/** One spelling for calls that are the same call (policy.md §12): RFC 8785 order, numbers by exact value. */
import { type AgentIdentity, agentKey } from './agent-key.ts';
import { canonicalDecimal, parseDecimal } from './decimal.ts';
import { isArray, isNumber, isObject, type Json, type JsonObject } from './json.ts';

/** The parts that make two calls the same one. */
export interface IdentifiedCall extends AgentIdentity {
  readonly namespace: string;
  readonly upstream: string;
  readonly tool: string;
  readonly args: JsonObject;
}

/** The text whose SHA-256 is the call's fingerprint. */
export function identityText(call: IdentifiedCall): string {
  return `${beginIdentity(call)}${canonicalText(call.args)}]`;
}

/** Writes the text of an identity up to the arguments; behind them stands a `]`. */
export function beginIdentity({ namespace, upstream, tool, ...agent }: Omit<IdentifiedCall, 'args'>): string {
  return `[${JSON.stringify(namespace)},${JSON.stringify(upstream)},${agentKey(agent)},${JSON.stringify(tool)},`;
}

/** A value in its one spelling: keys sorted by UTF-16 unit, no white space, `1`, `1.0` and `1e0` alike. */
export function canonicalText(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (isObject(value)) return `{${canonicalMembers(value)}}`;
  return isNumber(value) ? canonicalNumber(value.number) : 'null';
}

function canonicalMembers(value: JsonObject): string {
  let text = '';
  for (const [key, member] of sortedMembers(value)) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalText(member)}`;
  }
  return text;
}

/** The members in order. Arguments often come so already: then nothing is copied to be sorted. */
export function sortedMembers(value: JsonObject): Iterable<readonly [string, Json]> {
  let last = '';
  for (const key of value.keys()) {
    if (key < last) return [...value].sort(([a], [b]) => (a < b ? -1 : 1));
    last = key;
  }
  return value;
}

function canonicalNumber(text: string): string {
  const decimal = parseDecimal(text);
  return decimal ? canonicalDecimal(decimal) : text;
}
