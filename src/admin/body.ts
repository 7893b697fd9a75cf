/** The body of a request: a JSON object, bounded in size and in time. */
import type { IncomingMessage } from 'node:http';
import { type AdminAnswer, refuse } from './answer.ts';

/** A client may take so long to send it, ms. */
const PATIENCE = 10_000;

export type RequestBody =
  | { readonly kind: 'object'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly answer: AdminAnswer };

/** Reads it, up to so many bytes; absent is `{}`. */
export async function readBody(request: IncomingMessage, most: number): Promise<RequestBody> {
  const text = await readText(request, most);
  if (typeof text !== 'string') return { kind: 'refused', answer: text };
  if (text.trim() === '') return { kind: 'object', value: {} };
  // SECURITY: what a form or a foreign page can send without asking first is no JSON.
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? ''))
    return { kind: 'refused', answer: refuse('not_json', 'send the body as application/json') };
  const value = parseObject(text);
  return value ? { kind: 'object', value } : { kind: 'refused', answer: refuse('bad_request', 'the body has to be a JSON object') };
}

function readText(request: IncomingMessage, most: number): Promise<string | AdminAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (outcome: string | AdminAnswer) => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const timer = setTimeout(() => end(refuse('too_slow', 'the body did not come in time', CLOSE)), PATIENCE);
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) chunks.push(chunk);
      else end(refuse('too_large', `the body may have ${most} bytes`, CLOSE));
    });
    request.on('end', () => end(Buffer.concat(chunks).toString('utf8')));
    request.on('error', () => end(refuse('bad_request', 'the body ended early', CLOSE)));
    request.on('close', () => end(refuse('bad_request', 'the body ended early', CLOSE)));
  });
}

const CLOSE = { connection: 'close' };

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** A text of the body: undefined where absent, null where it is no such text. */
export function textOf(body: Readonly<Record<string, unknown>>, name: string, most: number): string | undefined | null {
  const value = Object.hasOwn(body, name) ? body[name] : undefined;
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' && value.length <= most && !UNSEEN.test(value) ? value : null;
}

/** SECURITY: names and reasons are printed on terminals and sent to agents. */
const UNSEEN = /[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\n\t])\p{Cc}/u;
