/** The fields of each type of record, as JSON text to stand behind the common ones (cli.md §2). */
import type { AuditEvent, CallEvent, OutcomeEvent, PlainEvent } from '../core/audit.ts';
import { canonicalText } from '../core/fingerprint.ts';
import { type ArgsMode, RECORD_ROOM, renderArgs } from './args.ts';
import { type MaskOptions, maskText } from './mask.ts';

/** How arguments and texts stand in a record. */
export interface RecordOptions extends MaskOptions {
  readonly args: ArgsMode;
}

/** The event's own fields, each behind a comma. */
export function renderFields(event: AuditEvent, options: RecordOptions): string {
  if (event.type === 'tool_call') return callFields(event as CallEvent, options);
  return event.type === 'outcome' ? outcomeFields(event as OutcomeEvent, options) : plainFields(event as PlainEvent, options);
}

function callFields(event: CallEvent, options: RecordOptions): string {
  return (
    `,"call":${JSON.stringify(event.call)},"tool":${JSON.stringify(cutOnly(event.tool, options))},"result":"${event.result}"` +
    text('code', event.code) +
    text('rule', event.rule) +
    text('message', event.message, options) +
    argsFields(event, options) +
    metaFields(event, options) +
    inputsFields(event, options) +
    text('agent', event.agent) +
    text('client', event.client && cutOnly(event.client, options)) +
    text('session', event.session && cutOnly(event.session, options)) +
    (event.requestId === undefined ? '' : `,"request_id":${event.requestId}`) +
    `,"duration_us":${JSON.stringify(event.durationUs)}` +
    drawFields(event) +
    text('approval', event.approval) +
    shadowFields(event)
  );
}

/** `args_hash` says more than the arguments only where they are not there whole. */
function argsFields(event: CallEvent, options: RecordOptions): string {
  const args = renderArgs(event, options.args, options, RECORD_ROOM);
  if (args === undefined) return `,"args_bytes":${Buffer.byteLength(event.argsText)}${hashField(event, options)}`;
  const { masked, cut } = args;
  const count = (name: string, parts: number) => (parts === 0 ? '' : `,"${name}":${parts}`);
  const hash = masked + cut === 0 ? '' : hashField(event, options);
  return `,"args":${args.text}${count('masked', masked)}${count('cut', cut)}${hash}`;
}

/** Renders what the client added as arguments are: with the keyed hash where it is not there whole. */
function metaFields({ meta }: CallEvent, options: RecordOptions): string {
  if (!meta) return '';
  const shownMeta = renderArgs({ args: meta.value, argsText: meta.text }, options.args, options, RECORD_ROOM);
  const hash = `,"meta_hash":"${options.keyedHash(canonicalText(meta.value))}"`;
  if (shownMeta === undefined) return hash;
  return `,"meta":${shownMeta.text}${shownMeta.masked + shownMeta.cut === 0 ? '' : hash}`;
}

function inputsFields({ inputs }: CallEvent, options: RecordOptions): string {
  if (inputs === undefined) return '';
  return options.args === 'hash' ? `,"inputs_hash":"${options.keyedHash(inputs)}"` : text('inputs', inputs, options);
}

/** Sorting what is longer than this would keep other calls waiting. */
const MOST_SORTED = 262_144;

/** Alike for equal arguments, however they are spelled unless they are very long, and of no use to who guesses without the key. */
function hashField({ args, argsText }: CallEvent, { keyedHash }: RecordOptions): string {
  return `,"args_hash":"${keyedHash(argsText.length <= MOST_SORTED ? canonicalText(args) : argsText)}"`;
}

function drawFields({ draws }: CallEvent): string {
  if (!draws || draws.length === 0) return '';
  const items = draws.map((draw) => `{"counter":${JSON.stringify(draw.counter)},"amount":${JSON.stringify(draw.amount)}}`);
  return `,"draws":[${items.join(',')}]`;
}

/** SPEC: policy.md §10: `shadow: true`, and what enforcement would have decided. */
function shadowFields({ shadow }: CallEvent): string {
  if (!shadow || shadow.length === 0) return '';
  const items = shadow.map((verdict) => `{"result":"${verdict.result}","code":"${verdict.code}","rule":${JSON.stringify(verdict.rule)}}`);
  return `,"shadow":true,"would":[${items.join(',')}]`;
}

function outcomeFields(event: OutcomeEvent, options: RecordOptions): string {
  return (
    `,"call":${JSON.stringify(event.call)},"result":"${event.result}","upstream_us":${JSON.stringify(event.upstreamUs)}` +
    text('error', event.error, options) +
    (event.unpriced ? ',"unpriced":true' : '')
  );
}

const LONG_NAME = 256;
const COMMON = new Set(['ts', 'seq', 'type', 'instance', 'policy', 'revision', 'prev']);

/** A field that has the name of a common one is kept beside it, since a repeated key would hide one of the two. */
function plainFields(event: PlainEvent, options: RecordOptions): string {
  let fields = '';
  for (const [name, value] of Object.entries(event.fields)) {
    if (value === undefined) continue;
    if (name === 'inputs' && options.args === 'hash') fields += `,"inputs_hash":"${options.keyedHash(String(value))}"`;
    else fields += `,${JSON.stringify(COMMON.has(name) ? `event_${name}` : name)}:${JSON.stringify(safe(value, options))}`;
  }
  return fields;
}

/** SECURITY: INVARIANT I10: a resource's address may hold a password, what a human was asked for may be one. */
function safe(value: PlainEvent['fields'][string], options: RecordOptions): typeof value {
  return typeof value === 'string' ? shown(value, options) : value;
}

function shown(value: string, options: RecordOptions): string {
  return maskText(value, { ...options, full: options.args === 'full' }, { room: RECORD_ROOM.value }, { masked: 0, cut: 0 });
}

/** Names are cut and not masked: what was called, and by whom, is no secret. */
function cutOnly(name: string, options: RecordOptions): string {
  return name.length <= LONG_NAME ? name : maskText(name, { ...options, full: true }, { room: RECORD_ROOM.value }, { masked: 0, cut: 0 });
}

/** With options, a text from others: masked and cut. */
function text(name: string, value: string | undefined, options?: RecordOptions): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(options ? shown(value, options) : value)}`;
}
