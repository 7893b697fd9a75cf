/**
 * A client adds this to a call in `_meta` (policy.md §12): servers read accounts, tenants and confirmations there. It is
 * recorded, shown to who approves the call, and part of what was approved; of the same call for idempotency it is none.
 */
import { canonicalText } from './fingerprint.ts';
import type { Json, JsonObject } from './json.ts';

export interface ClientMeta {
  readonly value: JsonObject;
  /** Its JSON text. */
  readonly text: string;
}

/** Progress, trace context, and payments, which are judged by themselves. */
const PROTOCOL_KEYS: ReadonlySet<string> = new Set([
  'progressToken',
  'traceparent',
  'tracestate',
  'baggage',
  'org.paymentauth/credential',
  'x402/payment',
]);
const PROTOCOL_PREFIX = 'io.modelcontextprotocol/';

/** The members that are none of the protocol's; undefined where there are none. */
export function clientMembers(meta: JsonObject): JsonObject | undefined {
  let own: Map<string, Json> | undefined;
  for (const [key, value] of meta) {
    if (PROTOCOL_KEYS.has(key) || key.startsWith(PROTOCOL_PREFIX)) continue;
    own ??= new Map();
    own.set(key, value);
  }
  return own;
}

/** Under these clients name the call, the request or the conversation by an id of their own, most of them anew each time. */
const CALL_IDS: ReadonlySet<string> = new Set(['claudecode/toolUseId', 'vscode.requestId', 'vscode.conversationId']);
const ID = /^[\w.:-]{1,128}$/;

/**
 * The one spelling of what an approval covers of it; undefined where that is nothing. An id by which a client names its call
 * is left out, because no repeat has it again: it is shown, and says nothing of what the call does.
 */
export function coveredMeta({ value }: ClientMeta): string | undefined {
  const covered = [...value].filter(([key, item]) => !(CALL_IDS.has(key) && typeof item === 'string' && ID.test(item)));
  return covered.length === 0 ? undefined : canonicalText(new Map(covered));
}
