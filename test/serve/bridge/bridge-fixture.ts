/** A bridge in front of a scripted upstream, with the least that enforcement would be: it knows who waits, and keeps what came. */

import { openHttpClient } from '../../../src/http/client.ts';
import { readClientFrame } from '../../../src/mcp/messages/client.ts';
import type { OutgoingFrame } from '../../../src/proxy/exchange.ts';
import type { Failure } from '../../../src/proxy/requests/ending.ts';
import { openBridge } from '../../../src/serve/bridge/bridge.ts';
import { methodOf } from '../../../src/serve/bridge/connection.ts';
import type { Received } from '../../../src/serve/upstream/read-answer.ts';
import type { Message } from '../../harness/message.ts';
import { until } from '../../harness/wait.ts';

const LIMITS = { maxDepth: 256, maxName: 1024 };

export interface Fixture extends AsyncDisposable {
  /** Everything that came from the server, in order. */
  readonly messages: readonly Message[];
  readonly failures: readonly (Failure & { readonly id: string })[];
  readonly logged: readonly string[];
  readonly relearned: () => number;
  readonly unauthorized: readonly (string | undefined)[];
  send(message: object, options?: { readonly modern?: boolean; readonly cancels?: number | string }): void;
  sendBatch(messages: readonly object[]): void;
  /** Sends a request and waits for what answers it. */
  request(id: number, method: string, params?: object, modern?: boolean): Promise<Message | Failure>;
  /** What answered the request, or why nothing did. */
  answered(id: number | string): Promise<Message | Failure>;
  /** As if it had taken too long. */
  giveUp(id: number): void;
  untilMessage(what: string, match: (message: Message) => boolean): Promise<Message>;
  sweep(): void;
  end(graceMs?: number): Promise<void>;
}

/** Opens one. `headersFor` stands for what knows the tools' schemas. */
export function openFixture(
  url: string,
  options: { headers?: Record<string, string>; maxMessage?: number; isSlow?: boolean } = {},
): Fixture {
  const waiting = new Set<string>();
  const messages: Message[] = [];
  const failures: (Failure & { id: string })[] = [];
  const logged: string[] = [];
  const unauthorized: (string | undefined)[] = [];
  let relearned = 0;
  let ended: Promise<void> | undefined;
  const log = (text: string) => void logged.push(text);
  const take = (lines: readonly Received[]) => {
    for (const line of lines) {
      const found: Message | Message[] =
        line.kind === 'line'
          ? JSON.parse(Buffer.from(line.bytes).toString())
          : { id: Number(line.sender.id?.text), error: { code: 0, message: 'too long' } };
      for (const message of [found].flat()) {
        messages.push(message);
        if (message.method === undefined) waiting.delete(JSON.stringify(message.id));
      }
    }
  };
  const bridge = openBridge({
    client: openHttpClient(new URL(url), options.headers ?? {}),
    maxMessage: options.maxMessage ?? 1 << 20,
    log: { debug: log, info: log, warn: log },
    mask: (text) => text.replaceAll('sesame', '[redacted]'),
    look: () => ({ push() {}, found: () => ({ id: undefined, isRequest: false }) }),
    async receive(lines) {
      if (options.isSlow) await new Promise((resolve) => setTimeout(resolve, 20));
      take(lines);
    },
    waitsFor: ({ text }) => waiting.has(text),
    fail(ids, failure) {
      for (const { text } of ids) if (waiting.delete(text)) failures.push({ ...failure, id: text });
    },
    headersFor: (frame) => ({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': methodOf(frame) ?? '',
      'x-learned': String(relearned),
    }),
    relearnTools: async () => void relearned++,
    unauthorized: (challenge) => void unauthorized.push(challenge),
  });
  const idOf = (id: unknown) => ({ key: JSON.stringify(id), text: JSON.stringify(id) });
  const send: Fixture['send'] = (message, { modern = false, cancels } = {}) => {
    const { id, method } = message as Message;
    const text = JSON.stringify(message);
    const isRequest = id !== undefined && method !== undefined;
    if (isRequest) waiting.add(JSON.stringify(id));
    const read = readClientFrame(Buffer.from(text), LIMITS);
    if (read.kind === 'refused' || read.kind === 'batch') throw new Error(`the fixture sends what is no message: ${text}`);
    const frame: OutgoingFrame = {
      bytes: text,
      kind: read.kind,
      modern,
      message: read,
      ...(isRequest ? { id: idOf(id) } : {}),
      ...(cancels === undefined ? {} : { cancels: idOf(cancels) }),
    };
    bridge.send([frame]);
  };
  const sendBatch = (batch: readonly object[]) => {
    const ids = (batch as readonly Message[]).flatMap(({ id }) => (id === undefined ? [] : [idOf(id)]));
    for (const { text } of ids) waiting.add(text);
    bridge.send([{ bytes: JSON.stringify(batch), kind: 'batch', ids, modern: false }]);
  };
  const answered: Fixture['answered'] = (id) =>
    until(
      `an answer to ${id}`,
      () =>
        messages.find((message) => message.id === id && message.method === undefined) ??
        failures.find((failure) => failure.id === JSON.stringify(id)),
    );
  const end = (graceMs = 0) => (ended ??= bridge.end(graceMs));
  return {
    messages,
    failures,
    logged,
    relearned: () => relearned,
    unauthorized,
    send,
    sendBatch,
    request(id, method, params, modern = false) {
      send({ jsonrpc: '2.0', method, ...(params && { params }), id }, { modern });
      return answered(id);
    },
    answered,
    giveUp: (id) => void waiting.delete(JSON.stringify(id)),
    untilMessage: (what, match) => until(what, () => messages.find(match)),
    sweep: bridge.sweep,
    end,
    [Symbol.asyncDispose]: () => end(),
  };
}

export const INITIALIZE = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };

/** The whole legacy handshake, under id 0. */
export async function shakeHands(fixture: Fixture): Promise<void> {
  await fixture.request(0, 'initialize', INITIALIZE);
  fixture.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
}
