/** How much of a call's arguments is recorded (`--audit-args`, cli.md §2), as JSON text on one line. */
import { hash } from 'node:crypto';
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../core/json.ts';
import { redact } from './redact.ts';

/** `full` is unmasked; `hash` records nothing but the keyed hash. */
export type ArgsMode = 'redacted' | 'full' | 'hash';

/** A call's arguments, judged and as they arrived. */
export interface CallArgs {
  readonly args: JsonObject;
  readonly argsText: string;
}

/** Bytes of arguments that a record holds, and how much stays of more. */
const MOST_BYTES = 65_536;
const HEAD_BYTES = 32_768;

/** The whole text: as it arrived where nothing is masked, so that numbers and key order stay. Undefined in mode `hash`. */
export function renderArgs(call: CallArgs, mode: ArgsMode): string | undefined {
  if (mode === 'hash') return undefined;
  if (call.args.size === 0) return '{}';
  const safe = mode === 'full' ? call.args : redact(call.args);
  return safe === call.args ? oneLine(call.argsText) : renderJson(safe);
}

/** What a record holds of that text: all of it, or its beginning, its size and its hash. */
export function boundArgs(text: string): string {
  if (text.length * 3 <= MOST_BYTES) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= MOST_BYTES) return text;
  const head = JSON.stringify(bytes.toString('utf8', 0, cleanCut(bytes, HEAD_BYTES)));
  // SECURITY: the hash is of the masked text, else it would confirm guesses of what is masked.
  return `{"truncated":true,"bytes":${bytes.length},"sha256":"${hash('sha256', bytes)}","head":${head}}`;
}

/** Where UTF-8 can be cut at or before `at` without splitting a character. */
export function cleanCut(bytes: Uint8Array, at: number): number {
  let cut = at;
  while (cut > 0 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut--;
  return cut;
}

/** Raw line breaks and tabs stand only between the tokens of valid JSON. */
function oneLine(text: string): string {
  return /[\n\r\t]/.test(text) ? text.replace(/[\n\r\t]/g, ' ') : text;
}

function renderJson(value: Json): string {
  if (isArray(value)) return `[${value.map(renderJson).join(',')}]`;
  if (isObject(value)) return `{${[...value].map(([name, member]) => `${JSON.stringify(name)}:${renderJson(member)}`).join(',')}}`;
  return isNumber(value) ? value.number : JSON.stringify(value);
}
