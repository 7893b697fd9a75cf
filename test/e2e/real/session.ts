/** One scripted session with a real server: the same bytes in, whoever stands in between; every line out is kept. */
import type { Frame, RawClient } from '../../harness/client.ts';
import type { Message } from '../../harness/message.ts';
import { envelope } from '../../harness/modern.ts';
import type { RealServer } from './servers.ts';

/** Ids as clients use them; each session counts through them. */
const IDS = ['0', '-1', '"a"', '"é\\u00e9"', '""', '4294967296', '"__proto__"'];

/** What a session needs of its client. */
type SessionClient = Pick<RawClient, 'frames' | 'sendLine' | 'next'>;

export interface Transcript {
  /** What came out, in order, as it was written. */
  readonly lines: readonly string[];
  /** The answer to the opening request. */
  readonly opening: Message;
  /** All tools of all pages. */
  readonly tools: readonly string[];
}

/** Runs the whole session on a freshly started process. */
export async function runSession(client: SessionClient, server: RealServer, folder: string): Promise<Transcript> {
  const session = openSession(client, server);
  const opening = await session.open();
  const tools: string[] = [];
  for (const list of server.lists) {
    for await (const page of session.pages(list)) tools.push(...(page.result?.tools ?? []).map((tool: { name: string }) => tool.name));
  }
  for (const [method, params] of server.asks(folder)) await session.ask(method, params);
  return { lines: client.frames.map((frame) => frame.text), opening, tools };
}

function openSession(client: SessionClient, server: RealServer) {
  let sent = 0;
  const isModern = server.revision === '2026-07-28';
  const nextId = () => IDS[sent++] ?? String(1000 + sent);

  /** Sends one request and waits for its answer, answering what the server asks meanwhile. */
  const ask = async (method: string, params: string): Promise<Message> => {
    const id = nextId();
    client.sendLine(`{"jsonrpc":"2.0","id":${id} ,"method":"${method}","params":${isModern ? withEnvelope(params, server) : params}}`);
    return await awaitLine((frame) => frame.json?.method === undefined && frame.json?.id === JSON.parse(id));
  };
  const awaitLine = async (match: (frame: Frame) => boolean): Promise<Message> => {
    for (;;) {
      const { json } = await client.next((frame) => match(frame) || isRequest(frame));
      if (!json) throw new Error('a matched line is JSON');
      if (json.method !== undefined && json.id !== undefined) reply(json);
      if (match({ text: '', json })) return json;
    }
  };
  const reply = (request: Message) => {
    const result = server.replies?.[request.method as string];
    if (!result) throw new Error(`${server.name} asked ${request.method}, which the session does not expect`);
    client.sendLine({ jsonrpc: '2.0', id: request.id, result });
  };

  const open = async (): Promise<Message> => {
    if (isModern) return ask('server/discover', '{}');
    const params = {
      protocolVersion: server.revision,
      capabilities: server.capabilities ?? {},
      clientInfo: { name: 'real', version: '1' },
    };
    const answer = await ask('initialize', JSON.stringify(params));
    client.sendLine('{"method":"notifications/initialized","jsonrpc":"2.0"}');
    if (server.greets) await awaitLine((frame) => frame.json?.method === server.greets);
    return answer;
  };
  async function* pages(list: string): AsyncGenerator<Message> {
    let cursor: string | undefined;
    do {
      const answer = await ask(list, JSON.stringify(cursor === undefined ? {} : { cursor }));
      yield answer;
      cursor = answer.result?.nextCursor;
    } while (cursor !== undefined);
  }
  return { open, ask, pages };
}

function isRequest(frame: Frame): boolean {
  return frame.json?.method !== undefined && frame.json.id !== undefined;
}

/** The params with the members that 2026-07-28 wants in `_meta`, as text, so that odd numbers stay as written. */
function withEnvelope(params: string, server: RealServer): string {
  const meta = JSON.stringify(envelope(server.capabilities, { progressToken: 'tok-é', 'com.example/odd': ['🎉'] }));
  const members = params.trim().slice(1, -1).trim();
  return `{${members}${members && ','}"_meta":${meta}}`;
}
