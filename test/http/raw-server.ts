/** A server of raw sockets, which a test scripts byte by byte. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';

export interface RawRequest {
  /** With its line ends. */
  readonly head: string;
  readonly body: string;
  /** Which connection it came on, and which of its requests it is, from 0. */
  readonly connection: number;
  readonly turn: number;
}

export interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly RawRequest[];
  /** Connections so far, and those that are open. */
  connections(): number;
  open(): number;
}

export interface Certified {
  readonly key: string;
  readonly cert: string;
}

type Script = (socket: Socket, request: RawRequest) => void;

/** Starts one that answers each request, once it is whole, with what `script` writes. */
export async function startRaw(script: Script, options: { readonly secure?: Certified; readonly host?: string } = {}): Promise<RawServer> {
  const requests: RawRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const serve = (socket: Socket) => {
    const connection = connections++;
    let [held, turn] = ['', 0];
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      held += chunk.toString('latin1');
      for (let request = cut(held); request; request = cut(held)) {
        held = held.slice(request.head.length + request.body.length);
        const whole = { ...request, connection, turn: turn++ };
        requests.push(whole);
        script(socket, whole);
      }
    });
  };
  const { secure, host = '127.0.0.1' } = options;
  const server: Server = secure ? createSecureServer(secure, serve) : createServer(serve);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/mcp`,
    requests,
    connections: () => connections,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function cut(text: string): Pick<RawRequest, 'head' | 'body'> | undefined {
  const end = text.indexOf('\r\n\r\n') + 4;
  if (end < 4) return undefined;
  const head = text.slice(0, end);
  const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
  return text.length >= end + length ? { head, body: text.slice(end, end + length) } : undefined;
}

/** An answer with a length. */
export function counted(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}
