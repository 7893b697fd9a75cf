/** The HTTP status of the proxy's own answers. */
import type { ClientFrame, FrameBytes } from '../../mcp/messages/frame.ts';
import { declaresCapabilities } from '../../mcp/messages/headers.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';

export const JSON_TYPE = { 'content-type': 'application/json' } as const;

/** A message that cannot be read, or that must not be. */
const BAD: ReadonlySet<number | undefined> = new Set([-32700, -32600]);

/**
 * 400 for a message that was refused for what it is; what was judged is an ordinary answer, denied or not, and so is what
 * the server answers. `code` is that of an error of the proxy's own.
 */
export function statusOf(code: number | undefined): 200 | 400 {
  return BAD.has(code) ? 400 : 200;
}

/** 2026-07-28: the status that each error goes with (SPEC: Streamable HTTP). */
const MODERN_STATUS: ReadonlyMap<number, 400 | 404> = new Map([
  [-32601, 404],
  [-32020, 400],
  [-32021, 400],
  [-32022, 400],
]);
const INVALID_PARAMS = -32602;
/** Errors are short; what is longer is not looked through. */
const MAX_ERROR = 64 * 1024;

/** The status of an answer to a request of 2026-07-28, of a server without HTTP or of the proxy's own, whose code is `own`. */
export function modernStatusOf(frame: FrameBytes, asked: ClientFrame | Refusal, own: number | undefined): 200 | 400 | 404 {
  const code = own ?? codeIn(frame);
  if (code === undefined) return 200;
  if (code === INVALID_PARAMS && asked.kind === 'request' && !declaresCapabilities(asked)) return 400;
  return MODERN_STATUS.get(code) ?? statusOf(own);
}

function codeIn(frame: FrameBytes): number | undefined {
  if (frame.length > MAX_ERROR) return undefined;
  const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
  if (!text.includes('"error"')) return undefined;
  const message = parse(text);
  const error = typeof message === 'object' && message !== null && 'error' in message ? message.error : undefined;
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** A server's answer that passes need not be one that this parser reads. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
