/** A client over HTTP with the manner of the raw client over stdio: lines in, whole messages out, nothing tidied. */
import type { Frame, RawClient } from '../../harness/client.ts';
import { type HttpAnswer, send } from '../../harness/http.ts';
import { openInbox } from '../../harness/http-session.ts';
import { parseMessage } from '../../harness/message.ts';
import { until } from '../../harness/wait.ts';

/** What a scripted session needs of a client. */
export type SessionClient = Pick<RawClient, 'frames' | 'sendLine' | 'next'> & { close(): Promise<unknown> };

const EVENTS = { accept: 'text/event-stream' };
const PATIENCE_MS = 60_000;

/** Speaks to a Streamable HTTP address, in the era of each message. */
export function openStreamableClient(url: string): SessionClient {
  const inbox = openInbox();
  const streams: HttpAnswer[] = [];
  let id: string | undefined;
  const session = (): Record<string, string> => {
    if (id === undefined) return {};
    const version = inbox.frames.find((frame) => frame.json?.result?.protocolVersion !== undefined)?.json?.result.protocolVersion;
    return { 'mcp-session-id': id, 'mcp-protocol-version': String(version) };
  };
  const listen = async () => {
    const stream = await send(url, { method: 'GET', headers: { ...session(), ...EVENTS } });
    streams.push(stream);
    if (stream.status === 200) inbox.listen(stream);
  };
  const post = async (body: string) => {
    const answer = await send(url, { headers: { ...session(), ...modernHeaders(body) }, body });
    // Known before the answer is: what is said next may not wait for the end of its stream.
    id ??= answer.headers['mcp-session-id'] as string | undefined;
    inbox.listen(answer);
    await answer.ended.catch(() => {});
    inbox.end(answer);
    if (body.includes('notifications/initialized')) await listen();
  };
  return speak(inbox.frames, post, async () => {
    for (const stream of streams) stream.close();
    if (id !== undefined) await send(url, { method: 'DELETE', headers: session() });
  });
}

/** Speaks to an address of HTTP+SSE. */
export async function openSseClient(url: string): Promise<SessionClient> {
  const inbox = openInbox();
  const stream = await send(url, { method: 'GET', headers: EVENTS });
  const first = await stream.untilBody('the endpoint', (text) => /event: ?endpoint\ndata: ?\S+\n\n/.test(text));
  const endpoint = new URL(/data: ?(\S+)/.exec(first)?.[1] ?? '', url).href;
  inbox.listen(stream);
  const post = async (body: string) => void (await (await send(endpoint, { body })).ended);
  return speak(inbox.frames, post, async () => stream.close());
}

/** What 2026-07-28 wants in headers, from the body. */
function modernHeaders(body: string): Record<string, string> {
  const { method = '', params } = parseMessage(body) ?? {};
  const version = params?._meta?.['io.modelcontextprotocol/protocolVersion'];
  const name = params?.name ?? params?.uri;
  if (version === undefined) return {};
  return { 'mcp-protocol-version': String(version), 'mcp-method': method, ...(name !== undefined && { 'mcp-name': String(name) }) };
}

/** Requests go out as they come; what is not a request waits for those before it, as on a pipe. */
function speak(frames: readonly Frame[], post: (body: string) => Promise<void>, close: () => Promise<unknown>): SessionClient {
  let before: Promise<unknown> = Promise.resolve();
  const taken = new Set<Frame>();
  const failures: unknown[] = [];
  return {
    frames,
    sendLine: (message) => {
      const body = typeof message === 'string' ? message : JSON.stringify(message);
      const isRequest = parseMessage(body)?.method !== undefined && parseMessage(body)?.id !== undefined;
      const sent = before.then(() => post(body)).catch((error: unknown) => void failures.push(error));
      if (!isRequest) before = sent;
    },
    next: (match = () => true) =>
      until(
        `a matching message; ${frames.length} so far, the last: ${frames.at(-1)?.text.slice(0, 300)}`,
        () => {
          if (failures.length > 0) throw failures[0];
          const found = frames.find((frame) => !taken.has(frame) && match(frame));
          if (found) taken.add(found);
          return found;
        },
        PATIENCE_MS,
      ),
    close,
  };
}
