/** Reads a server's refusal within bounds, quotes it, and recognises that a session is gone (wire.md §5). */
import { renderWait } from '../../core/window.ts';
import type { UpstreamAnswer } from '../../http/client.ts';
import { UpstreamFault } from '../../http/fault.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import { kindOf, peek, readBody, withoutBom } from './read-answer.ts';

/** A status that is no success, and what came with it. */
export interface Refused {
  readonly status: number;
  readonly headers: UpstreamAnswer['headers'];
  /** The whole body, where it is JSON and no larger than a message may be. */
  readonly json: Uint8Array | undefined;
  /** The beginning of the body, of any type. */
  readonly text: string;
}

/** Bytes of a body that are looked at, and ms that they may take where nobody waits for all of it. */
const LOOK = 4 * 1024;
const PATIENCE = 1_000;
/** Characters of the server's own text that are passed on. */
const MOST = 200;

/** Reads what a refusal says: all of it where it is JSON, else its beginning. */
export async function readRefused(answer: UpstreamAnswer, maxMessage: number): Promise<Refused> {
  const { status, headers } = answer;
  const body = kindOf(answer) === 'json' ? await readBody(answer, maxMessage) : undefined;
  const json = body && withoutBom(body);
  const begin = json ?? (await readStart(answer));
  answer.discard();
  return { status, headers, json, text: textOf(begin) };
}

/** Describes a refusal whose body was read before. */
export function refusedBy({ status, headers }: Pick<UpstreamAnswer, 'status' | 'headers'>, body: Uint8Array): Refused {
  return {
    ...{ status, headers, json: undefined },
    get text() {
      return textOf(body);
    },
  };
}

async function readStart({ body, discard }: UpstreamAnswer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const late = setTimeout(discard, PATIENCE);
  let length = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= LOOK) break;
    }
  } catch {
    // The part that came before the break is enough, since the status says the rest.
  } finally {
    clearTimeout(late);
  }
  return Buffer.concat(chunks);
}

/** Cuts only between words. SECURITY: the mask would not know the rest of a secret that was cut in two. */
function textOf(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, LOOK));
  return bytes.length > LOOK ? text.replace(/\S*$/, '') : text;
}

/** Matches the words with which servers refuse an unknown session, in a body of any type. */
const NO_SESSION = /session|not (?:yet )?(?:been )?initiali[sz]ed|uninitiali[sz]ed/i;
const MAY_SAY_SO: ReadonlySet<number> = new Set([400, 401, 410, 422, 503]);

/** Recognises that the session is gone: `certainly` by the specification's status, and nothing was done; `likely` by what some servers answer instead. */
export function lossOf({ status, text }: Pick<Refused, 'status' | 'text'>, hasWorked: boolean): 'certainly' | 'likely' | undefined {
  if (status === 404) return 'certainly';
  if (hasWorked && (status === 401 || status === 410)) return 'likely';
  return MAY_SAY_SO.has(status) && NO_SESSION.test(text.slice(0, 1024)) ? 'likely' : undefined;
}

/** Renders what follows "HTTP status N" in a message: how long to wait, and the server's own text, masked. Empty where it says nothing. */
export function wordsOf({ headers, text }: Pick<Refused, 'headers' | 'text'>, mask: (text: string) => string): string {
  const wait = waitOf(headers['retry-after']);
  const words = quoteServer(text, mask);
  return `${wait === undefined ? '' : `, to be asked again ${wait}`}${words === '' ? '' : `. It says: ${words}`}`;
}

/** Up to 200 characters of what a server wrote, in quotes; empty where there is nothing to read. SECURITY: masked before it is cut. */
export function quoteServer(text: string, mask: (text: string) => string): string {
  const clean = mask(oneLine(messageIn(text)));
  if (clean === '') return '';
  const characters = [...clean];
  return JSON.stringify(characters.length > MOST ? `${characters.slice(0, MOST - 1).join('')}…` : clean);
}

function waitOf(retryAfter: string | undefined): string | undefined {
  if (retryAfter === undefined || retryAfter.length > 40) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return `after ${renderWait(Number(retryAfter) * 1000)}`;
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : `after ${new Date(at).toISOString()}`;
}

/** The part of a body that is meant for people: the message of an error, the title of a page, or all of it. */
function messageIn(text: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('<')) return /<title[^>]{0,200}>([^<]*)/i.exec(trimmed)?.[1] ?? trimmed.replace(/<[^>]*>/g, ' ');
  return /^[[{]/.test(trimmed) ? (messageOf(peek(Buffer.from(trimmed))) ?? trimmed) : trimmed;
}

/** The fields in which servers put it. */
const PLACES = ['message', 'error_description', 'detail', 'error', 'title'] as const;

function messageOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const inner = messageOf(fields.error);
  if (inner !== undefined) return inner;
  const place = PLACES.find((name) => typeof fields[name] === 'string' && fields[name] !== '');
  return place && String(fields[place]);
}

/** SECURITY: what a terminal or a reader would act on, or would not show, is taken out. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .trim();
}

/** A refused call was not executed; after a time-out or a server fault nobody knows. `words`: the server's own text. */
export function failureOf(status: number, words = ''): Failure {
  const refused = status >= 400 && status < 500 && status !== 408;
  return { outcome: refused ? 'released' : 'kept', why: `the server answered with HTTP status ${status}${hint(status)}${words}` };
}

function hint(status: number): string {
  if (status === 401) return ': it asks for authorization';
  if (status === 403) return ': it does not allow this';
  if (status === 404) return ': there is no MCP server at this URL';
  return '';
}

/** Explains that a request has no answer at all. */
export function failureBy(error: unknown): Failure {
  if (error instanceof UpstreamFault) return { outcome: error.sent ? 'kept' : 'released', why: `the server ${error.message}` };
  return { outcome: 'kept', why: `internal fault: ${error instanceof Error ? error.message : String(error)}` };
}

/** SPEC: transports, backwards compatibility — a server of 2024-11-05 takes no POST at its URL, and answers its first message so. */
export function isOldAnswer(status: number): boolean {
  return status === 400 || status === 404 || status === 405;
}
