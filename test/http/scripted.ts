/** A small MCP server over Streamable HTTP, of which a test replaces what it wants to see fail. */
import type { ServerResponse } from 'node:http';
import type { Message } from '../harness/message.ts';
import { type Answer, answerJson, type Received, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

export type Script = (message: Message, request: Received, response: ServerResponse) => void | 'default' | Promise<void>;

export interface Scripted extends ScriptedUpstream {
  /** What was posted, parsed. */
  posted(): readonly Message[];
  /** Whether the server offers a GET stream; its response, once one is open. */
  streams: ServerResponse[];
}

export const RESULT = { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'scripted', version: '1' } };

/** Starts it; its GET stream opens at the end of `streamAfter`, or is answered with `noStream`. Sessions are `s1`, `s2`, …; `script` may leave a message to the default, which answers `{}`. */
export async function startScripted(
  script: Script = () => 'default',
  options: {
    readonly offersStream?: boolean;
    readonly streamAfter?: (session: unknown) => Promise<void> | undefined;
    readonly noStream?: number;
  } = {},
): Promise<Scripted> {
  let sessions = 0;
  const streams: ServerResponse[] = [];
  const byDefault = (message: Message, response: ServerResponse) => {
    if (message.id === undefined || message.method === undefined) return void response.writeHead(202).end();
    const isHello = message.method === 'initialize';
    const headers: Record<string, string> = isHello ? { 'mcp-session-id': `s${++sessions}` } : {};
    answerJson(response, { jsonrpc: '2.0', id: message.id, result: isHello ? RESULT : {} }, 200, headers);
  };
  const answer: Answer = async (request, response) => {
    if (request.method === 'POST') {
      const message = JSON.parse(request.body) as Message;
      if ((await script(message, request, response)) === 'default') byDefault(message, response);
    } else if (request.method === 'GET' && options.offersStream) {
      await options.streamAfter?.(request.headers['mcp-session-id']);
      streams.push(openEvents(response));
    } else response.writeHead(request.method === 'DELETE' ? 200 : (options.noStream ?? 405)).end();
  };
  const upstream = await startUpstream(answer);
  return {
    ...upstream,
    streams,
    posted: () => upstream.received.filter(({ method }) => method === 'POST').map(({ body }) => JSON.parse(body) as Message),
    [Symbol.asyncDispose]: upstream.close,
  };
}

/** Begins a stream of events. */
export function openEvents(response: ServerResponse): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  return response;
}

/** One event with a message. */
export function event(message: object, fields = ''): string {
  return `${fields}data: ${JSON.stringify(message)}\n\n`;
}

export function result(id: unknown, value: object = {}): object {
  return { jsonrpc: '2.0', id, result: value };
}
