/** What the tests of the client ask, and how they read what comes. */
import type { HttpClient, UpstreamAnswer, UpstreamRequest } from '../../src/http/client.ts';
import { UpstreamFault } from '../../src/http/fault.ts';

export function post(client: HttpClient, rest: Partial<UpstreamRequest> = {}): Promise<UpstreamAnswer> {
  return client.send({ method: 'POST', headers: {}, body: '{}', signal: new AbortController().signal, ...rest });
}

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function faultOf(work: Promise<unknown>): Promise<UpstreamFault> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UpstreamFault)) throw new Error(`no fault, but ${String(error)}`);
  return error;
}
