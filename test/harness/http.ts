/** A raw HTTP client: it sends exactly the bytes it is given and keeps exactly the bytes it reads. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { until } from './wait.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body so far; whole once `ended` resolved. */
  body(): Buffer;
  readonly ended: Promise<void>;
  /** Waits for the body so far to satisfy `enough`. */
  untilBody(what: string, enough: (text: string) => boolean): Promise<string>;
  /** Calls `heard` now and after every piece of the body. */
  onData(heard: () => void): void;
  /** Drops the exchange. */
  close(): void;
}

export interface HttpRequest {
  readonly method?: 'POST' | 'GET' | 'DELETE' | 'OPTIONS';
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Sends one request; resolves with the head of its answer. */
export function send(url: string, { method = 'POST', headers = {}, body }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const all = { ...HEADERS, ...headers } as Record<string, string | string[]>;
    const exchange = request(url, { method, headers: all, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => void pieces.push(piece));
      const whole = () => Buffer.concat(pieces);
      const ended = new Promise<void>((end, fail) => {
        answer.on('end', end);
        answer.on('error', fail);
        answer.on('aborted', () => fail(new Error('the answer broke off')));
        // Not every break is told of as one.
        answer.on('close', () => (answer.complete ? end() : fail(new Error('the answer broke off'))));
      });
      ended.catch(() => {});
      const untilBody: HttpAnswer['untilBody'] = (what, enough) =>
        until(what, () => {
          const text = whole().toString('utf8');
          return enough(text) ? text : undefined;
        });
      const onData = (heard: () => void) => {
        answer.on('data', heard);
        heard();
      };
      const close = () => void exchange.destroy();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole, ended, untilBody, onData, close });
    });
    exchange.on('error', reject);
    exchange.end(body);
  });
}

/** Sends one request and reads all of its answer. */
export async function exchange(url: string, options: HttpRequest): Promise<HttpAnswer & { readonly text: string }> {
  const answer = await send(url, options);
  await answer.ended;
  return { ...answer, text: answer.body().toString('utf8') };
}

/** The data of all events in a stream whose lines end with LF, one text each. */
export function eventData(text: string): readonly string[] {
  const events = text.split('\n\n').map((event) => event.split('\n').filter((line) => line.startsWith('data:')));
  return events.flatMap((lines) => (lines.length > 0 ? [lines.map((line) => line.slice(line[5] === ' ' ? 6 : 5)).join('\n')] : []));
}

/** The message of an answer, by a JSON body or by a stream: one that takes over five seconds comes on a stream (wire.md §5). */
export function messageIn({ text }: { readonly text: string }) {
  return JSON.parse(/^[[{]/.test(text) ? text : (eventData(text)[0] ?? ''));
}
