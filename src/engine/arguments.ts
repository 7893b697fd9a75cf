/** Arguments from outside the wire: as text, read as strictly as a call's, or as plain JavaScript values. */
import type { Json, JsonObject } from '../core/json.ts';
import { openScan, scanMessage } from '../mcp/json/scan.ts';
import { readJson } from '../mcp/json/values.ts';
import { refuseFault } from '../mcp/messages/refusal.ts';

export type ParsedArguments = { readonly ok: true; readonly args: JsonObject } | { readonly ok: false; readonly why: string };

/** One level less than a frame may have, since arguments stand within one (wire.md §2.13). */
const MAX_DEPTH = 254;

/** Reads the JSON text of a call's arguments. SPEC: wire.md §2.2, §2.6: what the proxy refuses is refused here. */
export function parseArguments(text: string): ParsedArguments {
  const scan = openScan(text, { strict: true, maxDepth: MAX_DEPTH, anySpace: true });
  const top = scanMessage(scan, []);
  if (top === undefined) return { ok: false, why: refuseFault(scan, undefined).message };
  if (top !== 'object') return { ok: false, why: 'arguments are a JSON object' };
  return { ok: true, args: readJson(text, text.search(/\S/)) as JsonObject };
}

/** A plain object as arguments: what JSON cannot say is a fault, never left out in silence. */
export function plainArguments(value: Readonly<Record<string, unknown>>): JsonObject {
  const members = new Map<string, Json>();
  for (const key of Object.keys(value)) members.set(key, plainValue(value[key], key));
  return members;
}

function plainValue(value: unknown, at: string): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) break;
      return { number: Object.is(value, -0) ? '-0' : String(value) };
    case 'bigint':
      return { number: String(value) };
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item, index) => plainValue(item, `${at}[${index}]`));
      if (isPlain(value)) return plainArguments(value);
  }
  throw new TypeError(`argument ${JSON.stringify(at)} is ${describe(value)}, which JSON does not have`);
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function describe(value: unknown): string {
  return typeof value === 'object' ? `a ${value?.constructor?.name ?? 'strange object'}` : String(value);
}
