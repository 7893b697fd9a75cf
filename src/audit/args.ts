/** How much of a call's arguments is recorded (`--audit-args`, cli.md §2), as JSON text on one line. */
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../core/json.ts';
import { escapeUnseen } from './escape.ts';
import { fit } from './fit.ts';
import type { MaskOptions } from './mask.ts';

/** `full` is unmasked; `hash` records nothing but the keyed hash. */
export type ArgsMode = 'redacted' | 'full' | 'hash';

/** A call's arguments, judged and as they arrived. */
export interface CallArgs {
  readonly args: JsonObject;
  readonly argsText: string;
}

/** Bytes that one value takes at most, and all of them. */
export interface Room {
  readonly value: number;
  readonly all: number;
}

export const RECORD_ROOM: Room = { value: 4096, all: 65_536 };

/** How they are shown, and how many parts of them are not. Neither: they are whole. */
export interface ShownArgs {
  readonly text: string;
  readonly masked: number;
  readonly cut: number;
}

/** Arguments whose text is shorter are one value at most, however it is escaped. */
const LEAST_SCALE = 6;
/** Masks are longer than what they hide: then less is shown. */
const LEAST_ROOM = 256;

/** As they arrived where nothing is hidden, so that numbers and key order stay. Undefined in mode `hash`. */
export function renderArgs(call: CallArgs, mode: ArgsMode, mask: MaskOptions, room: Room): ShownArgs | undefined {
  if (mode === 'hash') return undefined;
  if (call.args.size === 0) return { text: '{}', masked: 0, cut: 0 };
  const options = { ...mask, full: mode === 'full', perValue: room.value };
  const isSmall = call.argsText.length * LEAST_SCALE <= room.value;
  for (let all = isSmall ? Infinity : (room.all * 7) / 8; ; all /= 2) {
    const tally = { masked: 0, cut: 0 };
    const shown = fit(call.args, all, options, tally);
    const text = shown === call.args && call.argsText.length <= room.all ? oneLine(call.argsText) : renderJson(shown);
    if (isSmall || all < LEAST_ROOM || Buffer.byteLength(escapeUnseen(text)) <= room.all) return { text, ...tally };
  }
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
