/** The common parts of the listener's endpoints: their port, a posted body, the types that a client takes, and the status of an answer. */
import { valuesOf } from '../../http/headers.ts';
import type { ServedRequest } from '../../http/server.ts';
import { readClientFrame } from '../../mcp/messages/client.ts';
import { BODY_LIMITS, type ClientFrame, type FrameBytes } from '../../mcp/messages/frame.ts';
import { declaresCapabilities, isModern } from '../../mcp/messages/headers.ts';
import type { Refusal } from '../../mcp/messages/refusal.ts';
import type { ProxySession } from '../../proxy/session.ts';
import { isLarge, readInTurns } from '../../proxy/turns.ts';
import type { Agent } from './agents.ts';

/** The endpoint behind a path of the listener. */
export interface Endpoint {
  /** Serves a request to its end; every one is answered, whatever happens (I9). */
  serve(request: ServedRequest): Promise<void>;
  /** Lists the open sessions, which are notified of a reload. */
  sessions(): readonly ProxySession[];
  /** Answers true while a call is under way; streams that only listen do not count. */
  isBusy(): boolean;
  isUsedBy(agent: Agent): boolean;
  /** Ends what has waited too long. Monotonic ms. */
  sweep(now: number): Promise<void>;
  /** Answers what still waits, and settles it. */
  end(why: string): Promise<void>;
}

/** The endpoint for servers of HTTP+SSE, with sessions of the listener's own. */
export interface OldWay extends Pick<Endpoint, 'serve'> {
  /** Serves a POST whose body was read. */
  post(posted: PostedRequest): Promise<void>;
}

/** A POST whose body was read. */
export interface PostedRequest {
  readonly request: ServedRequest;
  readonly agent: Agent;
  readonly bytes: Uint8Array;
  readonly frame: ClientFrame | Refusal;
}

/** After so long without an answer a stream is opened, so that nobody in between takes the silence for an end, ms. */
export const PATIENCE = 5_000;

/** Reads the body of a POST; undefined where it was refused, or its client is gone. */
export async function readBytes(request: ServedRequest, agent: Agent): Promise<Uint8Array | undefined> {
  const read = await request.body(agent.budget);
  if (read.kind === 'body') return read.bytes;
  if (read.kind === 'refused') request.reply.refuse(read.status, read.why);
  return undefined;
}

/**
 * Reads the frame in a body. A large one is read in turns, and counts against its agent's budget for so long (wire.md §2.13). A body
 * that came after it in the same legacy session waits for it, since a session's frames go on in their order. Where the budget is
 * spent, it answers with an error, and returns undefined.
 */
export function readPosted(request: ServedRequest, bytes: Uint8Array, agent: Agent): PostedRequest | undefined | Promise<PostedRequest> {
  const { budget, reading } = agent;
  const frame = isLarge(bytes) ? undefined : readClientFrame(bytes, BODY_LIMITS);
  if (frame && (reading.size === 0 || isModern(frame))) return { request, agent, bytes, frame };
  const [name = ''] = valuesOf(request.rawHeaders, 'mcp-session-id');
  const session = name === '' ? (request.query.get('sessionId') ?? '') : name;
  const before = reading.get(session);
  if (frame && !before) return { request, agent, bytes, frame };
  if (!budget.take(bytes.length)) {
    request.reply.refuse(503, 'too much waits to be judged');
    return undefined;
  }
  const read = readInOrder(frame ?? readInTurns(bytes, BODY_LIMITS), before)
    .then((whole) => ({ request, agent, bytes, frame: whole }))
    .finally(() => {
      budget.give(bytes.length);
      if (reading.get(session) === read) reading.delete(session);
    });
  reading.set(session, read);
  return read;
}

type ReadFrame = ClientFrame | Refusal;

async function readInOrder(reading: ReadFrame | Promise<ReadFrame>, before: Promise<unknown> | undefined): Promise<ReadFrame> {
  const frame = await reading;
  if (!isModern(frame)) await before?.catch(() => undefined);
  return frame;
}

/** Records a frame that no session took: it is refused like any other (wire.md §2). */
export function recordRefusal({ reason, message, id }: Refusal, { ports, client }: Agent): void {
  ports.log.warn(`refused a frame of the agent (${reason}): ${message}`);
  try {
    ports.audit.write([{ type: 'refused', fields: { reason, message, agent: client.agent, request_id: id?.text } }]);
  } catch (error) {
    ports.log.error(`audit: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A quality of nothing says that the type is not taken (RFC 9110 §12.4.2). */
const NOT_AT_ALL = /;\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)/;

/** Answers whether a client takes an answer of this type; one that names none takes any. */
export function accepts(rawHeaders: readonly string[], type: string): boolean {
  const [group] = type.split('/', 1);
  const ranges = rangesIn(rawHeaders);
  return ranges.length === 0 || ranges.some((range) => range === type || range === '*/*' || range === `${group}/*`);
}

/** Answers whether it names this very type as one that it takes. */
export function asksFor(rawHeaders: readonly string[], type: string): boolean {
  return rangesIn(rawHeaders).includes(type);
}

function rangesIn(rawHeaders: readonly string[]): readonly string[] {
  const values = valuesOf(rawHeaders, 'accept').flatMap((value) => value.toLowerCase().split(','));
  return values.map((range) => (NOT_AT_ALL.test(range) ? '' : (range.split(';', 1)[0] ?? '').trim()));
}

/** The id of the one request that is answered, JSON text. */
export function idOf({ frame }: PostedRequest): string | undefined {
  return frame.kind === 'request' ? frame.id.text : undefined;
}

export const JSON_TYPE = { 'content-type': 'application/json' } as const;

/** A message that cannot be read, or that must not be. */
const BAD: ReadonlySet<number | undefined> = new Set([-32700, -32600]);

/**
 * 400 for a message that was refused for what it is; what was judged is an ordinary answer, denied or not, and so is what
 * the server answers. `code` is that of an error of the proxy's own.
 */
export function statusOf(code: number | undefined): 200 | 400 {
  return BAD.has(code) ? 400 : 200;
}

/** 2026-07-28: the status that each error goes with (SPEC: Streamable HTTP). */
const MODERN_STATUS: ReadonlyMap<number, 400 | 404> = new Map([
  [-32601, 404],
  [-32020, 400],
  [-32021, 400],
  [-32022, 400],
]);
const INVALID_PARAMS = -32602;
/** Errors are short; what is longer is not looked through. */
const MAX_ERROR = 64 * 1024;

/** The status of an answer to a request of 2026-07-28, of a server without HTTP or of the proxy's own, whose code is `own`. */
export function modernStatusOf(frame: FrameBytes, asked: ClientFrame | Refusal, own: number | undefined): 200 | 400 | 404 {
  const code = own ?? codeIn(frame);
  if (code === undefined) return 200;
  if (code === INVALID_PARAMS && asked.kind === 'request' && !declaresCapabilities(asked)) return 400;
  return MODERN_STATUS.get(code) ?? statusOf(own);
}

function codeIn(frame: FrameBytes): number | undefined {
  if (frame.length > MAX_ERROR) return undefined;
  const text = typeof frame === 'string' ? frame : Buffer.from(frame).toString();
  if (!text.includes('"error"')) return undefined;
  const message = parse(text);
  const error = typeof message === 'object' && message !== null && 'error' in message ? message.error : undefined;
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** A server's answer that passes need not be one that this parser reads. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
