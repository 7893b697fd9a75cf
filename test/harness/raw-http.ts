/** HTTP/1.1 over a bare socket: exactly these bytes are sent, and what comes back is read without tidying. */
import { connect, type Socket } from 'node:net';
import { PATIENCE_MS } from './wait.ts';

export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; repeated ones joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawSocket {
  send(bytes: string | Uint8Array): void;
  /** Sends `first`, then `piece` every `ms` until the other end has had enough. */
  dribble(first: string, piece: string, ms: number): void;
  /** Takes the next whole answer. */
  answer(timeoutMs?: number): Promise<RawAnswer>;
  /** The status and headers of the next answer, whose body may never end. */
  head(timeoutMs?: number): Promise<RawAnswer>;
  /** Resolves with what came, as soon as it holds `text`. */
  until(text: string, timeoutMs?: number): Promise<string>;
  /** Reads nothing from now on, or again. */
  pause(): void;
  resume(): void;
  close(): void;
  /** Resolves when the other end closed the connection. */
  readonly closed: Promise<void>;
}

/** Connects to a port of this machine. */
export async function openSocket(port: number, host = '127.0.0.1'): Promise<RawSocket> {
  const socket = connect(port, host);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return speak(socket);
}

/** One request on a connection of its own. */
export async function exchange(port: number, request: string | Uint8Array): Promise<RawAnswer> {
  const socket = await openSocket(port);
  socket.send(request);
  return socket.answer().finally(socket.close);
}

function speak(socket: Socket): RawSocket {
  let text = '';
  let isClosed = false;
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of [...waiters]) waiter();
  };
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    wake();
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) =>
    socket.on('close', () => {
      isClosed = true;
      wake();
      resolve();
    }),
  );
  const look = <T>(what: string, find: () => T | undefined, timeoutMs = PATIENCE_MS): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => settle(() => reject(new Error(`no ${what} within ${timeoutMs} ms; came: ${text.slice(-500)}`))),
        timeoutMs,
      );
      const settle = (end: () => void) => {
        clearTimeout(timer);
        waiters.delete(check);
        end();
      };
      const check = () => {
        const found = find();
        if (found !== undefined) settle(() => resolve(found));
        else if (isClosed) settle(() => reject(new Error(`closed before ${what}; came: ${text.slice(-500)}`)));
      };
      waiters.add(check);
      check();
    });
  const take = (whole: boolean) => () => {
    const found = parseAnswer(text, whole, isClosed);
    if (found) text = text.slice(found.length);
    return found?.answer;
  };
  return {
    send: (bytes) => void socket.write(bytes),
    dribble(first, piece, ms) {
      socket.write(first);
      const timer = setInterval(() => socket.write(piece), ms);
      void closed.then(() => clearInterval(timer));
    },
    answer: (timeoutMs) => look('answer', take(true), timeoutMs),
    head: (timeoutMs) => look('head of an answer', take(false), timeoutMs),
    until: (wanted, timeoutMs) => look(JSON.stringify(wanted), () => (text.includes(wanted) ? text : undefined), timeoutMs),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
    closed,
  };
}

function parseAnswer(text: string, whole: boolean, isClosed: boolean): { readonly answer: RawAnswer; readonly length: number } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  const status = Number(first.split(' ')[1]);
  const start = end + 4;
  const body = whole ? bodyOf(text, start, status, headers, isClosed) : { body: '', end: start };
  return body && { answer: { status, headers, body: Buffer.from(body.body, 'latin1').toString('utf8') }, length: body.end };
}

function bodyOf(text: string, start: number, status: number, headers: Readonly<Record<string, string>>, isClosed: boolean) {
  if (headers['transfer-encoding'] === 'chunked') return chunked(text, start);
  if (status === 204 || status === 304) return { body: '', end: start };
  const length = headers['content-length'];
  if (length === undefined) return isClosed ? { body: text.slice(start), end: text.length } : undefined;
  const end = start + Number(length);
  return text.length < end ? undefined : { body: text.slice(start, end), end };
}

function chunked(text: string, start: number) {
  let body = '';
  for (let at = start; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    const from = line + 2;
    if (text.length < from + size + 2) return undefined;
    if (size === 0) return { body, end: from + 2 };
    body += text.slice(from, from + size);
    at = from + size + 2;
  }
}
