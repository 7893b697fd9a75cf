/** Progress of a call that waits (policy.md §12), for clients that asked for it. */
import { isNumber, type Json } from '../../core/json.ts';
import { renderJson } from '../../mcp/json/values.ts';
import type { Route } from '../deliver.ts';
import type { Session } from '../state.ts';

/** Progress has to grow, and what the server tells later begins anew: steps this small stay below its first. */
const STEP = 1e-6;

/** Tells the client of this call, each time it is called; nothing where the client gave no token. */
export function progressOf({ toolCall, to }: Extract<Route, { kind: 'judge' }>, { output, ports }: Session): (text: string) => void {
  const token = toolCall.meta?.get('progressToken');
  let steps = 0;
  return (text) => {
    if (!isToken(token)) return;
    steps += 1;
    const members = `"progressToken":${renderJson(token)},"progress":${(steps * STEP).toFixed(6)},"message":${JSON.stringify(text)}`;
    try {
      output.toAgent([`{"jsonrpc":"2.0","method":"notifications/progress","params":{${members}}}`], to?.exchange);
    } catch (error) {
      ports.log.error(`the agent cannot be written to: ${String(error)}`);
    }
  };
}

function isToken(token: Json | undefined): token is Json {
  return typeof token === 'string' || isNumber(token);
}
