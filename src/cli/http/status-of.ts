/** The HTTP status of the proxy's own answers. */
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
