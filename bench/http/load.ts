/** The measuring side: HTTP connections as cheap as they can be, so that what is measured is not the client. */
import { connect, type Socket } from 'node:net';

/** One connection that is kept: a request at a time. */
export interface Connection {
  /** Sends a request and takes the answer's head and body. */
  ask(request: Buffer): Promise<Answer>;
  close(): void;
}

export interface Answer {
  readonly head: string;
  /** Bytes of the body as they came, with the framing of chunks. */
  readonly body: Buffer;
}

/** Opens a connection to where `url` points. */
export function openConnection(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(speak(socket)));
    socket.setNoDelay(true);
    socket.once('error', reject);
  });
}

function speak(socket: Socket): Connection {
  const inbox = openInbox();
  let settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;
  const fail = (error: Error) => {
    settle?.reject(error);
    settle = undefined;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));
  socket.on('data', (piece: Buffer) => {
    const answer = inbox(piece);
    if (!answer) return;
    const done = settle;
    settle = undefined;
    done?.resolve(answer);
  });
  const ask = (request: Buffer) =>
    new Promise<Answer>((resolve, reject) => {
      settle = { resolve, reject };
      socket.write(request);
    });
  return { ask, close: () => socket.destroy() };
}

const END = Buffer.from('0\r\n\r\n');

/** Takes pieces, and gives the answer with the piece that completes it. Pieces are joined once. */
function openInbox(): (piece: Buffer) => Answer | undefined {
  let pieces: Buffer[] = [];
  let size = 0;
  let head: string | undefined;
  /** Bytes of the whole answer; undefined where chunks tell the end. */
  let length: number | undefined;
  const isWhole = () => {
    if (length !== undefined) return size >= length;
    const tail = pieces.at(-1)?.length ?? 0;
    const last = Buffer.concat(tail >= END.length ? pieces.slice(-1) : pieces.slice(-END.length));
    return last.subarray(-END.length).equals(END);
  };
  return (piece) => {
    pieces.push(piece);
    size += piece.length;
    if (head === undefined) {
      const bytes = Buffer.concat(pieces);
      const at = bytes.indexOf('\r\n\r\n');
      if (at < 0) return undefined;
      head = bytes.toString('latin1', 0, at);
      const declared = /^content-length: (\d+)/im.exec(head)?.[1];
      length = /^transfer-encoding: chunked/im.test(head) ? undefined : at + 4 + Number(declared ?? 0);
    }
    if (!isWhole()) return undefined;
    const answer = { head, body: Buffer.concat(pieces).subarray(Buffer.byteLength(head, 'latin1') + 4) };
    [pieces, size, head, length] = [[], 0, undefined, undefined];
    return answer;
  };
}

/** A POST of `body`, ready to be sent. */
export function postOf(url: string, body: string, session: string | undefined): Buffer {
  const { host, pathname } = new URL(url);
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    'MCP-Protocol-Version: 2025-06-18',
    ...(session === undefined ? [] : [`Mcp-Session-Id: ${session}`]),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The head of a GET that opens the session's own stream. */
export function listenOf(url: string, session: string): Buffer {
  const { host, pathname } = new URL(url);
  return Buffer.from(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/event-stream\r\nMcp-Session-Id: ${session}\r\n\r\n`);
}

/** Shakes hands on a connection; the session's id. */
export async function openSession(connection: Connection, url: string): Promise<string> {
  const initialize =
    '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}';
  const { head } = await connection.ask(postOf(url, initialize, undefined));
  const session = /^mcp-session-id: (\S+)/im.exec(head)?.[1];
  if (session === undefined) throw new Error(`no session: ${head}`);
  await connection.ask(postOf(url, '{"jsonrpc":"2.0","method":"notifications/initialized"}', session));
  await connection.ask(postOf(url, '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', session));
  return session;
}
