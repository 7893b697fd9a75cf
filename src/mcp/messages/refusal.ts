/** Messages of a client that are not forwarded (wire.md §2): why, and the JSON-RPC code they are answered with. */

import type { Scan } from '../json/scan-types.ts';
import type { RequestId } from './id.ts';

const CODES = {
  syntax: -32700,
  encoding: -32700,
  control_character: -32700,
  lone_surrogate: -32700,
  duplicate_key: -32600,
  look_alike_key: -32600,
  look_alike_method: -32600,
  too_deep: -32600,
  too_many: -32600,
  too_long: -32600,
  batch: -32600,
  not_json_rpc: -32600,
  bad_id: -32600,
  bad_params: -32602,
  bad_call: -32602,
} as const;

export type RefusalReason = keyof typeof CODES;

export interface Refusal {
  readonly kind: 'refused';
  readonly code: -32700 | -32600 | -32602;
  readonly reason: RefusalReason;
  /** Lower-case, says what is wrong and where; fit for the client. */
  readonly message: string;
  /** The request's id, where it is certain that this was a request and which. */
  readonly id: RequestId | undefined;
}

/** A refusal for this reason. */
export function refuse(reason: RefusalReason, message: string, id?: RequestId): Refusal {
  return { kind: 'refused', code: CODES[reason], reason, message, id };
}

/** The refusal of a text that a strict scan did not accept. */
export function refuseFault(scan: Scan, id: RequestId | undefined): Refusal {
  const reason = scan.fault ?? 'syntax';
  return refuse(reason, `${describeFault(scan)} at offset ${scan.faultAt}`, id);
}

/** A piece of input as messages show it: quoted, and cut where it is long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

function describeFault(scan: Scan): string {
  switch (scan.fault) {
    case 'control_character':
      return `a control character (${quote(scan.text.charAt(scan.faultAt))}) stands`;
    case 'lone_surrogate':
      return 'half of a surrogate pair stands';
    case 'duplicate_key':
      return `key ${quote(String(scan.faultDetail))} occurs twice in one object: again`;
    case 'too_deep':
      return `nesting passes ${scan.maxDepth} levels`;
    case 'too_many':
      return `a message has at most ${scan.faultDetail} members in one object: one more stands`;
    case 'batch':
      return 'the batch has too many messages:';
    default:
      return scan.faultAt >= scan.text.length ? 'the JSON text ends too early' : `${quote(scan.text.charAt(scan.faultAt))} is not expected`;
  }
}
