/** A raw HTTP upstream that a test scripts, and that keeps every request it got. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './wait.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether the client dropped the exchange before its answer ended. */
  readonly dropped: () => boolean;
}

export type Answer = (request: Received, response: ServerResponse) => void | Promise<void>;

export interface ScriptedUpstream extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
  /** Waits for the n-th request that `match` accepts, the first by default. */
  untilReceived(what: string, match: (request: Received) => boolean, count?: number): Promise<Received>;
  /** From now on requests are answered so. */
  answer(with_: Answer): void;
  close(): Promise<void>;
}

/** Starts one on a free port of this machine. */
export async function startUpstream(first: Answer): Promise<ScriptedUpstream> {
  let answer = first;
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void read(request, response).then((whole) => {
      received.push(whole);
      return answer(whole, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Nobody waits until the last connection is gone: the other side may be a process that was just killed.
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    untilReceived: (what, match, count = 1) => until(`the upstream to receive ${what}`, () => received.filter(match)[count - 1]),
    answer: (with_) => {
      answer = with_;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function read(request: IncomingMessage, response: ServerResponse): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  let dropped = false;
  response.on('close', () => {
    dropped = !response.writableEnded;
  });
  const { method = '', url = '', headers } = request;
  return { method, path: url, headers, body: Buffer.concat(chunks).toString(), dropped: () => dropped };
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
