/** What an HTTP status without a JSON-RPC body means for the requests that got it (policy.md §6). */

import { UpstreamFault } from '../../http/fault.ts';
import type { RequestId } from '../../mcp/messages/id.ts';
import type { Failure } from '../../proxy/requests/ending.ts';
import { type Peeked, peek } from './read-answer.ts';
import type { Received } from './received.ts';

/** What was refused was not done; of a time-out or a fault of the server nobody knows. `words`: what the server says of it. */
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

/** Why a request has no answer at all. */
export function failureBy(error: unknown): Failure {
  if (error instanceof UpstreamFault) return { outcome: error.sent ? 'kept' : 'released', why: `the server ${error.message}` };
  return { outcome: 'kept', why: `internal fault: ${error instanceof Error ? error.message : String(error)}` };
}

/** Whether a server that answers so to its first message may be one of 2024-11-05, which takes no POST at its URL (SPEC: transports, backwards compatibility). */
export function isOldAnswer(status: number): boolean {
  return status === 400 || status === 404 || status === 405;
}

/** Bytes up to which a body is looked at for an error that names no request. */
const SHORT = 64 * 1024;

/** An answer in which an error that names no request is one of the request that it came for; as it came where it is no such error. */
export function adopt(bytes: Uint8Array, [id, ...others]: readonly RequestId[]): Uint8Array {
  if (!id || others.length > 0 || bytes.length > SHORT || !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('"error"'))
    return bytes;
  const said: unknown = peek(bytes);
  const [only, ...rest] = Array.isArray(said) ? said : [said];
  const adopted = rest.length === 0 ? withIdOf(id, only) : undefined;
  return adopted?.kind === 'line' ? adopted.bytes : bytes;
}

/**
 * An error that names no request is about the one whose POST it answers: with its id, it reaches whoever asked.
 * Undefined where the body is no such error.
 */
export function withIdOf(id: RequestId, peeked: Peeked | undefined): Received | undefined {
  const error = peeked?.error;
  if (typeof error !== 'object' || error === null || (peeked?.id !== undefined && peeked.id !== null)) return undefined;
  return { kind: 'line', bytes: Buffer.from(`{"jsonrpc":"2.0","id":${id.text},"error":${JSON.stringify(error)}}`) };
}
