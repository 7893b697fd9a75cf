/** The HTTP status of the proxy's own answers. */
import type { ClientFrame, Refusal } from '../../mcp/frame.ts';
import { declaresCapabilities } from '../../mcp/headers.ts';
import type { FrameBytes } from '../../proxy/exchange.ts';

export const JSON_TYPE = { 'content-type': 'application/json' } as const;

const ERROR = /^\{"jsonrpc":"2\.0","id":(?:"(?:[^"\\]|\\.)*"|[^",]*),"error":\{"code":(-?\d+)/;
/** A message that cannot be read, or that must not be. */
const BAD = ['-32700', '-32600'];

/** 400 for a message that was refused for what it is; what was judged is an ordinary answer, denied or not. */
export function statusOf(frame: FrameBytes): 200 | 400 {
  const [, code] = (typeof frame === 'string' && ERROR.exec(frame)) || [];
  return code !== undefined && BAD.includes(code) ? 400 : 200;
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

/** The status of an answer that a server without HTTP gave to a request of 2026-07-28. */
export function modernStatusOf(frame: FrameBytes, asked: ClientFrame | Refusal): 200 | 400 | 404 {
  if (frame.length > MAX_ERROR) return 200;
  const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
  const code = text.includes('"error"') ? codeIn(text) : undefined;
  if (code === undefined) return 200;
  if (code === INVALID_PARAMS && asked.kind === 'request' && !declaresCapabilities(asked)) return 400;
  return MODERN_STATUS.get(code) ?? statusOf(frame);
}

function codeIn(text: string): number | undefined {
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
