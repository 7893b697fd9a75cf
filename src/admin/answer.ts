/** The answers of the admin server. */
import type { ServerResponse } from 'node:http';

export type AdminAnswer =
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly text: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** ms to wait before it is sent. */
      readonly after?: number | undefined;
    }
  | { readonly kind: 'page'; readonly html: string; readonly policy: string }
  /** The response is written elsewhere, for as long as it takes. */
  | { readonly kind: 'stream'; readonly open: (response: ServerResponse) => void };

/** Reasons for which a request is refused, and their status; `docs/admin-api.md` lists them. */
export const FAULTS = {
  bad_request: 400,
  unauthorized: 401,
  foreign_host: 403,
  foreign_origin: 403,
  approver_required: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_slow: 408,
  not_pending: 409,
  too_soon: 409,
  not_shown: 409,
  too_large: 413,
  not_json: 415,
  internal: 500,
  busy: 503,
  unavailable: 503,
} as const;

export type FaultCode = keyof typeof FAULTS;

/** A value as JSON. */
export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): AdminAnswer {
  return { kind: 'json', status: 200, text: JSON.stringify(value), headers };
}

/** Leads to another path of ours. */
export function redirect(location: string): AdminAnswer {
  return { kind: 'json', status: 302, text: '{}', headers: { location } };
}

/** `{"error": {"code", "message"}}`, `after` so many ms. */
export function refuse(code: FaultCode, message: string, headers: Readonly<Record<string, string>> = {}, after?: number): AdminAnswer {
  return { kind: 'json', status: FAULTS[code], text: JSON.stringify({ error: { code, message } }), headers, after };
}

/** The headers of every answer. SECURITY: nothing is cached, sniffed, framed or sent to others. */
export const ALWAYS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const NOTHING_ACTIVE = "default-src 'none'; frame-ancestors 'none'";

/** Writes it, once. */
export function send(response: ServerResponse, answer: AdminAnswer): void {
  if (answer.kind === 'stream') {
    answer.open(response);
    return;
  }
  const page = answer.kind === 'page';
  const body = Buffer.from(page ? answer.html : answer.text);
  response.writeHead(page ? 200 : answer.status, {
    ...ALWAYS,
    'content-security-policy': page ? answer.policy : NOTHING_ACTIVE,
    'content-type': page ? 'text/html; charset=utf-8' : 'application/json',
    'content-length': body.length,
    ...(page ? {} : answer.headers),
  });
  response.end(body);
}
