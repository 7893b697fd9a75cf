/** The fields of each type of record, as JSON text to stand behind the common ones (cli.md §2). */
import type { AuditEvent, CallEvent, OutcomeEvent, PlainEvent } from '../core/audit.ts';
import { canonicalText } from '../core/fingerprint.ts';
import { isArray, isNumber, isObject, type Json, type JsonObject } from '../core/json.ts';
import { escapeUnseen } from './escape.ts';
import { fit } from './fit.ts';
import { type MaskOptions, maskText } from './mask.ts';
import { isPlainJson } from './secrets.ts';

/** So much of a call's arguments is recorded (`--audit-args`): `full` is unmasked; `hash` records nothing but the keyed hash. */
export type ArgsMode = 'redacted' | 'full' | 'hash';

/** Arguments and texts stand in a record as these say. */
export interface RecordOptions extends MaskOptions {
  readonly args: ArgsMode;
}

/** A call's arguments, judged and as they arrived. */
export interface CallArgs {
  readonly args: JsonObject;
  readonly argsText: string;
}

/** Bytes that one value takes at most, and all of them: at least four times as many. */
export interface ShownBytes {
  readonly value: number;
  readonly all: number;
}

export const RECORD_ROOM: ShownBytes = { value: 4096, all: 65_536 };

/** The event's own fields, each behind a comma. */
export function renderFields(event: AuditEvent, options: RecordOptions): string {
  if (event.type === 'tool_call') return callFields(event as CallEvent, options);
  return event.type === 'outcome' ? outcomeFields(event as OutcomeEvent, options) : plainFields(event as PlainEvent, options);
}

function callFields(event: CallEvent, options: RecordOptions): string {
  const { code, rule, message, why, meta, inputs, agent, client, session, requestId, draws, approval, shadow } = event;
  return (
    `,"call":${JSON.stringify(event.call)},"tool":${nameText(event.tool, options)},"result":"${event.result}"` +
    (code === undefined ? '' : `,"code":"${code}"`) +
    (rule === undefined ? '' : `,"rule":${JSON.stringify(rule)}`) +
    (message === undefined ? '' : `,"message":${JSON.stringify(shown(message, options))}`) +
    (why === undefined ? '' : `,"why":${JSON.stringify(shown(why, options))}`) +
    argsFields(event, options) +
    (meta === undefined ? '' : metaFields(meta, options)) +
    (inputs === undefined ? '' : inputsField(inputs, options)) +
    (agent === undefined ? '' : `,"agent":${JSON.stringify(agent)}`) +
    (client === undefined ? '' : `,"client":${nameText(client, options)}`) +
    (session === undefined ? '' : `,"session":${nameText(session, options)}`) +
    (requestId === undefined ? '' : `,"request_id":${requestId}`) +
    `,"duration_us":${JSON.stringify(event.durationUs)}` +
    (draws === undefined || draws.length === 0 ? '' : drawsField(draws)) +
    (approval === undefined ? '' : `,"approval":${JSON.stringify(approval)}`) +
    (shadow === undefined || shadow.length === 0 ? '' : shadowFields(shadow))
  );
}

/** `args_hash` says more than the arguments only where they are not there whole. */
function argsFields(event: CallEvent, options: RecordOptions): string {
  const args = renderArgs(event, options.args, options, RECORD_ROOM);
  if (args === undefined) return `,"args_bytes":${Buffer.byteLength(event.argsText)}${hashField(event, options)}`;
  const { text, masked, cut } = args;
  if (masked + cut === 0) return `,"args":${text}`;
  return `,"args":${text}${masked === 0 ? '' : `,"masked":${masked}`}${cut === 0 ? '' : `,"cut":${cut}`}${hashField(event, options)}`;
}

/** Renders what the client added as arguments are: with the keyed hash where it is not there whole. */
function metaFields(meta: NonNullable<CallEvent['meta']>, options: RecordOptions): string {
  const shownMeta = renderArgs({ args: meta.value, argsText: meta.text }, options.args, options, RECORD_ROOM);
  if (shownMeta && shownMeta.masked + shownMeta.cut === 0) return `,"meta":${shownMeta.text}`;
  const hash = `,"meta_hash":"${options.keyedHash(canonicalText(meta.value))}"`;
  return shownMeta === undefined ? hash : `,"meta":${shownMeta.text}${hash}`;
}

function inputsField(inputs: string, options: RecordOptions): string {
  return options.args === 'hash' ? `,"inputs_hash":"${options.keyedHash(inputs)}"` : `,"inputs":${JSON.stringify(shown(inputs, options))}`;
}

/** Sorting what is longer than this would keep other calls waiting. */
const MOST_SORTED = 262_144;

/** Alike for equal arguments, however they are spelled unless they are very long, and of no use to who guesses without the key. */
function hashField({ args, argsText }: CallEvent, { keyedHash }: RecordOptions): string {
  return `,"args_hash":"${keyedHash(argsText.length <= MOST_SORTED ? canonicalText(args) : argsText)}"`;
}

function drawsField(draws: NonNullable<CallEvent['draws']>): string {
  const items = draws.map((draw) => `{"counter":${JSON.stringify(draw.counter)},"amount":${JSON.stringify(draw.amount)}}`);
  return `,"draws":[${items.join(',')}]`;
}

/** SPEC: policy.md §10: `shadow: true`, and what enforcement would have decided. */
function shadowFields(shadow: NonNullable<CallEvent['shadow']>): string {
  const items = shadow.map((verdict) => `{"result":"${verdict.result}","code":"${verdict.code}","rule":${JSON.stringify(verdict.rule)}}`);
  return `,"shadow":true,"would":[${items.join(',')}]`;
}

function outcomeFields({ call, result, upstreamUs, error, unpriced }: OutcomeEvent, options: RecordOptions): string {
  return (
    `,"call":${JSON.stringify(call)},"result":"${result}","upstream_us":${JSON.stringify(upstreamUs)}` +
    (error === undefined ? '' : `,"error":${JSON.stringify(shown(error, options))}`) +
    (unpriced ? ',"unpriced":true' : '')
  );
}

const COMMON = new Set(['ts', 'seq', 'type', 'instance', 'policy', 'revision', 'prev']);

/** A field that has the name of a common one is kept beside it, since a repeated key would hide one of the two. */
function plainFields(event: PlainEvent, options: RecordOptions): string {
  let fields = '';
  for (const [name, value] of Object.entries(event.fields)) {
    if (value === undefined) continue;
    if (name === 'inputs' && options.args === 'hash') fields += `,"inputs_hash":"${options.keyedHash(String(value))}"`;
    // SECURITY: INVARIANT I10: a resource's address may hold a password, what a human was asked for may be one.
    else
      fields += `,${JSON.stringify(COMMON.has(name) ? `event_${name}` : name)}:${JSON.stringify(typeof value === 'string' ? shown(value, options) : value)}`;
  }
  return fields;
}

/** A text from others, masked and cut. */
function shown(value: string, options: RecordOptions): string {
  return maskText(value, { ...options, full: options.args === 'full' }, RECORD_ROOM.value, { masked: 0, cut: 0 });
}

const LONG_NAME = 256;

/** Names are cut and not masked: what was called, and by whom, is no secret. */
function nameText(name: string, options: RecordOptions): string {
  if (name.length <= LONG_NAME) return JSON.stringify(name);
  return JSON.stringify(maskText(name, { ...options, full: true }, RECORD_ROOM.value, { masked: 0, cut: 0 }));
}

/** Arguments as they are shown, and how many parts of them are not. Neither: they are whole. */
export interface ShownArgs {
  readonly text: string;
  readonly masked: number;
  readonly cut: number;
}

/** Arguments whose text is shorter are one value at most, however it is escaped. */
const LEAST_SCALE = 6;
/** Masks are longer than what they hide: then less is shown. */
const LEAST_ROOM = 256;

/** As JSON text on one line: as they arrived where nothing is hidden, so that numbers and key order stay. Undefined in mode `hash`. */
export function renderArgs({ args, argsText }: CallArgs, mode: ArgsMode, mask: MaskOptions, bytes: ShownBytes): ShownArgs | undefined {
  if (mode === 'hash') return undefined;
  const full = mode === 'full';
  if (args.size === 0) return { text: '{}', masked: 0, cut: 0 };
  // Short ASCII takes a byte for a character in a record, so that no value is cut, nor all of them.
  if (argsText.length <= bytes.value && isPlainJson(argsText, mask.known, full)) return { text: argsText, masked: 0, cut: 0 };
  const options = { ...mask, full, perValue: bytes.value };
  const isSmall = argsText.length * LEAST_SCALE <= bytes.value;
  for (let all = isSmall ? Infinity : (bytes.all * 7) / 8; ; all /= 2) {
    const tally = { masked: 0, cut: 0 };
    const fitted = fit(args, all, options, tally);
    const text = fitted === args && argsText.length <= bytes.all ? oneLine(argsText) : renderJson(fitted);
    if (isSmall || all < LEAST_ROOM || Buffer.byteLength(escapeUnseen(text)) <= bytes.all) return { text, ...tally };
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
