/** Asks a server for its tools: starts it, shakes hands, reads all pages, stops it. */

import { CommandError, EXIT } from '../core/fault.ts';
import type { ResponseFrame } from '../mcp/messages/frame.ts';
import { createLineSplitter } from '../mcp/messages/lines.ts';
import { filterToolPage, type ListedTool } from '../mcp/messages/lists.ts';
import { readServerFrame } from '../mcp/messages/server.ts';
import { childEnvironment, startChild, type Upstream } from '../process/child.ts';
import { VERSION } from '../process/version.ts';

const TIMEOUT = 30_000;
const MAX_PAGES = 100;
const MAX_LINE = 10 * 1024 ** 2;
/** What every server speaks that has a handshake. */
const PROTOCOL = '2025-06-18';

/** The tools of the server that this command starts. Throws `CommandError`. */
export async function listServerTools(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly ListedTool[]> {
  const [program = '', ...args] = command;
  const child = await startChild(program, args, childEnvironment(env, []));
  try {
    return await askAll(openAsking(child));
  } finally {
    await child.stop('graceful');
  }
}

interface Asking {
  ask(method: string, params: object): Promise<ResponseFrame>;
  notify(method: string): void;
}

async function askAll({ ask, notify }: Asking): Promise<readonly ListedTool[]> {
  await ask('initialize', { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: 'intercept', version: VERSION } });
  notify('notifications/initialized');
  const tools: ListedTool[] = [];
  let cursor: string | undefined;
  for (let count = 0; count < MAX_PAGES; count++) {
    const page = filterToolPage(await ask('tools/list', cursor === undefined ? {} : { cursor }), () => true);
    if (page.kind === 'unreadable') throw failed(`its tool list cannot be read: ${page.why}`);
    tools.push(...page.tools);
    cursor = page.nextCursor;
    if (cursor === undefined) return tools;
  }
  throw failed(`its tool list has more than ${MAX_PAGES} pages`);
}

function openAsking(child: Upstream): Asking {
  const waiting = new Map<string, PromiseWithResolvers<ResponseFrame>>();
  const splitter = createLineSplitter(MAX_LINE);
  let next = 0;
  const give = (why: string) => {
    for (const { reject } of waiting.values()) reject(failed(why));
    waiting.clear();
  };
  child.onChunk((chunk) => {
    for (const line of splitter.push(chunk)) {
      const frame = line.kind === 'line' ? readServerFrame(line.bytes) : undefined;
      if (frame?.kind === 'response') waiting.get(frame.id.text)?.resolve(frame);
      else if (frame?.kind === 'request') child.write(`${answerTo(frame.idSpan ? frame.id.text : 'null', frame.method)}\n`);
    }
  });
  child.onExit(() => give('it ended before it answered'));
  return {
    notify: (method) => void child.write(`${JSON.stringify({ jsonrpc: '2.0', method })}\n`),
    async ask(method, params) {
      const id = String(++next);
      const asked = Promise.withResolvers<ResponseFrame>();
      waiting.set(id, asked);
      const timer = setTimeout(() => give(`it did not answer "${method}" within ${TIMEOUT / 1000} s`), TIMEOUT);
      child.write(`${JSON.stringify({ jsonrpc: '2.0', id: Number(id), method, params })}\n`);
      const answer = await asked.promise.finally(() => clearTimeout(timer));
      waiting.delete(id);
      if (answer.outcome === 'error') throw failed(`it answered "${method}" with an error`);
      return answer;
    },
  };
}

/** A ping is answered; nothing else was offered to the server. */
function answerTo(id: string, method: string): string {
  return method === 'ping'
    ? `{"jsonrpc":"2.0","id":${id},"result":{}}`
    : `{"jsonrpc":"2.0","id":${id},"error":{"code":-32601,"message":"Method not found"}}`;
}

function failed(why: string): CommandError {
  return new CommandError(`the server's tools are not known: ${why}`, EXIT.failed);
}
