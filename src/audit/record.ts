/** The fields of each type of record, as JSON text to stand behind the common ones (cli.md §2). */
import type { AuditEvent, CallEvent, OutcomeEvent, PlainEvent } from '../core/audit.ts';
import { canonicalText } from '../core/fingerprint.ts';
import type { JsonObject } from '../core/json.ts';
import { type ArgsMode, boundArgs, renderArgs } from './args.ts';
import { maskText } from './secrets.ts';

/** What a record says of arguments besides their text. */
export interface RecordOptions {
  readonly args: ArgsMode;
  /** HMAC of a canonical text, hex. */
  readonly keyedHash: (text: string) => string;
}

/** The event's own fields, each behind a comma. */
export function renderFields(event: AuditEvent, options: RecordOptions): string {
  if (event.type === 'tool_call') return callFields(event as CallEvent, options);
  return event.type === 'outcome' ? outcomeFields(event as OutcomeEvent) : plainFields(event as PlainEvent, options);
}

function callFields(event: CallEvent, options: RecordOptions): string {
  return (
    `,"call":${JSON.stringify(event.call)},"tool":${JSON.stringify(event.tool)},"result":"${event.result}"` +
    text('code', event.code) +
    text('rule', event.rule) +
    text('message', event.message && maskText(event.message)) +
    argsFields(event, options) +
    text('agent', event.agent) +
    text('client', event.client) +
    text('session', event.session) +
    (event.requestId === undefined ? '' : `,"request_id":${event.requestId}`) +
    `,"duration_us":${JSON.stringify(event.durationUs)}` +
    drawFields(event) +
    text('approval', event.approval) +
    shadowFields(event)
  );
}

function argsFields(event: CallEvent, options: RecordOptions): string {
  const args = renderArgs(event, options.args);
  return (args === undefined ? '' : `,"args":${boundArgs(args)}`) + hashField(event.args, options);
}

/** Alike for equal arguments, however they are spelled, and of no use to who guesses without the key. */
function hashField(args: JsonObject, options: RecordOptions): string {
  return `,"args_hash":"${options.keyedHash(canonicalText(args))}"`;
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

function outcomeFields(event: OutcomeEvent): string {
  return (
    `,"call":${JSON.stringify(event.call)},"result":"${event.result}","upstream_us":${JSON.stringify(event.upstreamUs)}` +
    text('error', event.error && maskText(event.error)) +
    (event.unpriced ? ',"unpriced":true' : '')
  );
}

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
function safe(value: PlainEvent['fields'][string], { args }: RecordOptions): typeof value {
  return typeof value === 'string' && args !== 'full' ? maskText(value) : value;
}

function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}
