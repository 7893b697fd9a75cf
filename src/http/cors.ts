/** What pages of an allowed origin may do and read (wire.md §5). SECURITY: an origin is always named, never `*`. */
import { valuesOf } from './raw-headers.ts';

const METHODS = 'GET, POST, DELETE, OPTIONS';
const REQUEST_HEADERS = [
  ...['accept', 'authorization', 'content-type', 'last-event-id', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id'],
  ...['traceparent', 'tracestate', 'baggage'],
];
const EXPOSED = 'Mcp-Session-Id, WWW-Authenticate';
/** How long a browser may remember the answer to a preflight, s. */
const MAX_AGE = '600';

/** The headers of an answer to this origin; none where the client is no page. */
export function corsHeaders(origin: string | undefined): Readonly<Record<string, string>> {
  if (origin === undefined) return {};
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED, vary: 'Origin' };
}

/** The answer to a preflight of an allowed origin. `passed`: further headers of the client that are passed on. */
export function preflightHeaders(
  origin: string,
  rawHeaders: readonly string[],
  passed: readonly string[],
): Readonly<Record<string, string>> {
  const asked = valuesOf(rawHeaders, 'access-control-request-headers').flatMap((value) => value.toLowerCase().split(','));
  const params = asked.map((name) => name.trim()).filter((name) => /^mcp-param-[\w!#$%&'*+.^`|~-]+$/.test(name));
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers': [...REQUEST_HEADERS, ...passed, ...params].join(', '),
    'access-control-max-age': MAX_AGE,
  };
}
