/** Held and repeated calls over HTTP (policy.md §9, §12): kept open on their own stream, decided, and sent once. */
import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { Approval } from '../../../src/core/approval.ts';
import { openSqliteStore } from '../../../src/state/sqlite/sqlite.ts';
import { eventData, exchange, send } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { startUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';

const POLICY = `version: "1"
name: held
tools:
  pay: {rules: [{name: ask, action: require_approval}]}
  once: {idempotency_window: 5m, rules: []}
`;
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
};
const call = (id: number, name = 'pay', meta: object = {}) => ({
  body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {}, _meta: { ...META, ...meta } } }),
  headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
});
const ANSWER = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"resultType":"complete","n":1.0}}';

async function withRecord(home: string, verdict?: 'approve'): Promise<Approval> {
  const store = await openSqliteStore({
    ...{ path: join(home, 'state', 'intercept.sqlite'), namespace: 'held', clock: Date.now, timeoutMs: 5_000 },
  });
  try {
    const record = await until('a record', async () => (await store.approvals.list({}))[0]);
    if (verdict) await store.approvals.decide({ id: record.id, verdict, by: 'ada', reason: '' });
    return record;
  } finally {
    await store.close();
  }
}

const serveTools = async (body: string, answer: (text: string) => void) =>
  answer(body.includes('"tools/list"') ? `{"jsonrpc":"2.0","id":${JSON.stringify(JSON.parse(body).id)},"result":{"tools":[]}}` : ANSWER);

describe('--approval-wait in front of a server over HTTP', () => {
  test('progress comes on a stream, and the answer after it, once a human has approved', async () => {
    await using upstream = await startUpstream((received, response) =>
      serveTools(received.body, (text) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text)),
    );
    await using listener = await startListener({ policy: POLICY, flags: ['--approval-wait', '60s', '--upstream', upstream.url] });
    const open = await send(listener.url, call(1, 'pay', { progressToken: 'p' }));
    await open.untilBody('progress', (text) => text.includes('"progressToken":"p"'));
    await withRecord(listener.home, 'approve');
    await open.ended;
    expect(open.headers['content-type']).toStartWith('text/event-stream');
    const data = eventData(open.body().toString('utf8'));
    const messages = data.map((text) => JSON.parse(text));
    expect(messages.map(({ method }) => method ?? 'answer')).toEqual(['notifications/progress', 'answer']);
    expect(data.at(-1)).toBe(ANSWER);
  });

  test('without a token there is one answer, as it came', async () => {
    await using upstream = await startUpstream((received, response) =>
      serveTools(received.body, (text) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text)),
    );
    await using listener = await startListener({ policy: POLICY, flags: ['--approval-wait', '60s', '--upstream', upstream.url] });
    const open = exchange(listener.url, call(1));
    await withRecord(listener.home, 'approve');
    expect((await open).text).toBe(ANSWER);
  });

  test('the client is gone: nothing is forwarded, and the approval is not used', async () => {
    await using upstream = await startUpstream((received, response) =>
      serveTools(received.body, (text) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text)),
    );
    await using listener = await startListener({ policy: POLICY, flags: ['--approval-wait', '60s', '--upstream', upstream.url] });
    const abort = new AbortController();
    const left = fetch(listener.url, {
      method: 'POST',
      ...{ body: call(1).body, signal: abort.signal },
      headers: { ...call(1).headers, accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
    }).catch(() => undefined);
    await withRecord(listener.home);
    abort.abort();
    await left;
    // Whoever asks later is heard later: the listener knows by then that the client left.
    await exchange(new URL('/healthz', listener.url).href, { method: 'GET' });
    await withRecord(listener.home, 'approve');
    const { text } = await exchange(listener.url, call(1, 'pay'));
    expect(text).toBe(ANSWER);
    expect(upstream.received.filter(({ body }) => body.includes('tools/call'))).toHaveLength(1);
    expect((await withRecord(listener.home)).state).toBe('consumed');
  });
});

describe('identical calls over HTTP', () => {
  test('several POSTs at once are one call upstream', async () => {
    const go = Promise.withResolvers<void>();
    await using upstream = await startUpstream(async (_, response) => {
      await go.promise;
      response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER);
    });
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const answers = [1, 1, 1].map((id) => exchange(listener.url, call(id, 'once')));
    await until('the first at the server', () => (upstream.received.length > 0 ? true : undefined));
    go.resolve();
    const texts = (await Promise.all(answers)).map(({ text }) => text);
    expect(texts.filter((text) => text === ANSWER)).toHaveLength(1);
    expect(texts.filter((text) => text.includes('"replayed"') && text.includes('"n":1.0'))).toHaveLength(2);
    expect(upstream.received).toHaveLength(1);
  });

  test('before a command, too', async () => {
    await using recorder = await setUpRecorder({ era: 'modern', tools: [{ name: 'once' }] });
    await using listener = await startListener({ policy: POLICY, server: recorder.command });
    const [first, second] = [await exchange(listener.url, call(1, 'once')), await exchange(listener.url, call(2, 'once'))];
    expect(first.text).not.toContain('replayed');
    expect(second.text).toContain('"replayed"');
    expect(await recorder.executed()).toHaveLength(1);
  });
});
