/** Probes a server that refused a POST for HTTP+SSE (2024-11-05), where the stream names an endpoint before all else. */
import type { HttpClient } from '../../http/client.ts';
import { createEventParser, type SseEvent } from '../../http/sse.ts';
import { kindOf } from './read-answer.ts';

/** The server has so long to name its endpoint, ms. */
const PATIENCE = 10_000;
/** The most bytes of one event. */
const MAX_EVENT = 64 * 1024;

/** Opens a stream and reads its beginning. Never rejects. */
export async function offersEndpoint(client: HttpClient, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<boolean> {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), PATIENCE);
  const until = AbortSignal.any([signal, stop.signal]);
  try {
    const answer = await client.send({ method: 'GET', headers: { ...headers, accept: 'text/event-stream' }, signal: until });
    if (answer.status !== 200 || kindOf(answer) !== 'events') {
      answer.discard();
      return false;
    }
    const parser = createEventParser(MAX_EVENT, () => ({ push() {}, found: () => undefined }));
    for await (const chunk of answer.body)
      for (const event of parser.push(chunk)) {
        if (event.kind === 'event' && event.type === 'endpoint') return true;
        if (isMessage(event)) return false;
      }
    return false;
  } catch {
    return false;
  } finally {
    clearTimeout(late);
    stop.abort();
  }
}

function isMessage(event: SseEvent<unknown>): boolean {
  return (
    event.kind === 'too_long' || (event.data !== undefined && event.data.length > 0 && (event.type === '' || event.type === 'message'))
  );
}
