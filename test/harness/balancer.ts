/** A balancer before two nodes, of which each knows its own sessions alone: by a cookie it finds the node that has the session. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Message } from './message.ts';
import { answerJson, type ScriptedUpstream, startUpstream } from './upstream.ts';

export interface Balancer extends AsyncDisposable {
  readonly url: string;
  readonly received: ScriptedUpstream['received'];
  /** How many calls each node executed. */
  readonly calls: readonly [number, number];
  /** A node forgets its sessions, and its balancer leads nobody to it any more. */
  lose(node: 0 | 1): void;
}

/** Starts one. Requests without a cookie go to the nodes in turn. */
export async function startBalancer(): Promise<Balancer> {
  const sessions = [new Set<string>(), new Set<string>()] as const;
  const calls: [number, number] = [0, 0];
  const lost = new Set<number>();
  let turn = 0;
  const nodeOf = ({ cookie = '' }: IncomingHttpHeaders) => {
    const named = /(?:^|; )node=([01])(?:;|$)/.exec(cookie)?.[1];
    return named === undefined ? undefined : Number(named);
  };
  const upstream = await startUpstream(({ method, headers, body }, response) => {
    const named = nodeOf(headers);
    const node = (named ?? (lost.size > 0 ? Number(!lost.values().next().value) : turn++ % 2)) as 0 | 1;
    if (named === undefined)
      response.setHeader('set-cookie', [`node=${node}; Path=/; HttpOnly`, 'other=1; Expires=Wed, 09 Jun 2100 10:18:14 GMT']);
    const { id, method: asked } = (method === 'POST' ? JSON.parse(body) : {}) as Message;
    const answer = (result: object, more: Record<string, string> = {}) => answerJson(response, { jsonrpc: '2.0', id, result }, 200, more);
    if (asked === 'initialize') {
      const session = `${node}-${sessions[node].size}-${turn}`;
      sessions[node].add(session);
      return answer(
        { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
        { 'mcp-session-id': session },
      );
    }
    const isModern = headers['mcp-protocol-version'] === '2026-07-28';
    const knows = isModern ? named !== undefined : sessions[node].has(String(headers['mcp-session-id']));
    if (asked === 'server/discover') return answer({ resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {} });
    if (!knows) return answerJson(response, { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }, 404);
    if (id === undefined) return void response.writeHead(method === 'POST' ? 202 : 405).end();
    if (asked === 'tools/call') calls[node] += 1;
    answer({ resultType: 'complete', content: [], tools: [], node });
  });
  return {
    url: upstream.url,
    received: upstream.received,
    calls,
    lose(node) {
      sessions[node].clear();
      lost.add(node);
    },
    [Symbol.asyncDispose]: upstream.close,
  };
}
