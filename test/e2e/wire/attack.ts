/** Attacks on the wire as data: the exact bytes, and what has to become of them (wire.md §2). */

/** What the agent is answered. Nothing denied is ever executed, whatever is expected. */
export type Expected =
  /** The frame is refused with this code, to this id (JSON text; `null` where it is not certain), and recorded so. */
  | { readonly kind: 'refused'; readonly code: number; readonly reason: string; readonly id: string }
  /** The frames of one batch are refused, each on its own or as a whole: so many records. */
  | { readonly kind: 'batch'; readonly ids: readonly string[]; readonly reasons: readonly string[]; readonly forwarded: number }
  /** The call is judged and denied. */
  | { readonly kind: 'denied'; readonly id: string }
  /** Neither forwarded nor answered; recorded as refused where `reason` says so. */
  | { readonly kind: 'nothing'; readonly reason?: string }
  /** Forwarded byte for byte (the first line of the attack), and answered by the server. */
  | { readonly kind: 'passed'; readonly id: string }
  /** Forwarded byte for byte and answered by nobody. */
  | { readonly kind: 'forwarded' }
  /** What becomes of it depends on the policy; only that nothing denied is executed counts. */
  | { readonly kind: 'either' };

export interface Attack {
  /** The point of wire.md §2 that it tries. */
  readonly point: string;
  readonly name: string;
  /** What is written; a line feed follows. */
  readonly bytes: string | Uint8Array;
  readonly expected: Expected;
  /** The revision that was negotiated. */
  readonly version?: '2025-03-26' | undefined;
  /** A server that also splits on U+2028 would tear a valid message apart: not for that one. */
  readonly lfOnly?: boolean;
  /** It passes only where the server's tool list is known. */
  readonly needsList?: boolean;
}

/** The revision of attacks that name none. */
export const VERSION = '2025-11-25';

export const ID = '"a"';

/** The text of a call, from the text of its members. */
export function call(params: string, id: string | undefined = ID, more = ''): string {
  const idMember = id === '' ? '' : `"id":${id},`;
  return `{"jsonrpc":"2.0",${idMember}"method":"tools/call","params":{${params}}${more}}`;
}

export const DANGER = '"name":"danger","arguments":{}';
export const SAFE = '"name":"safe","arguments":{"amount":1}';

/** A frame that is refused under one of our codes. */
export function refused(code: number, reason: string, id = ID): Expected {
  return { kind: 'refused', code, reason, id };
}

export const denied: Expected = { kind: 'denied', id: ID };
export const passed: Expected = { kind: 'passed', id: ID };

/** Stands for the reason of a refusal where only its code matters. */
export const NOT_COMPARED = 'not compared';

/** A frame that gets a JSON-RPC error of this code, however it is recorded. */
export function errorOf(code: number): Expected {
  return refused(code, NOT_COMPARED);
}

/** Rows of `[name, bytes, expected]` under one point. */
export function attacks(point: string, rows: readonly (readonly [string, string | Uint8Array, Expected])[]): readonly Attack[] {
  return rows.map(([name, bytes, expected]) => ({ point, name, bytes, expected }));
}

/** Text and bytes that are not text, in one piece. */
export function bytesOf(...parts: readonly (string | readonly number[])[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));
}
