/** wire.md §5: a session that the server lost is none of the listener's either, and its own words about a refusal reach agent, log and audit. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { auditRecords } from '../../harness/audit.ts';
import { exchange, send } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { answerJson, type ScriptedUpstream } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';
import { openEvents, result, startScripted } from '../../http/scripted.ts';
import { INITIALIZE } from '../../serve/bridge/bridge-fixture.ts';

// Each test starts a process, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const request = (id: number, method: string, params: object = {}) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
const call = (id: number) => request(id, 'tools/call', { name: 'pay', arguments: {} });

async function open(url: string): Promise<Record<string, string>> {
  const { headers } = await exchange(url, { body: request(0, 'initialize', INITIALIZE) });
  return { 'mcp-session-id': String(headers['mcp-session-id']) };
}

const answered = ({ received }: ScriptedUpstream) => received.filter(({ body }) => body.includes('tools/call')).length;

describe('a session that the server lost', () => {
  test.each([
    [400, 'text/plain', 'Bad Request: No valid session ID provided'],
    [410, 'text/plain', ''],
    [422, 'application/json', '{"detail":"session expired"}'],
    [401, 'text/plain', 'Session not found'],
    [503, 'application/json', '{"error":"session is unknown"}'],
  ])('%d %s %s: the next call is told so, and the client opens another', async (status, type, body) => {
    let isLost = false;
    await using upstream = await startScripted(({ method }, { headers }, response) => {
      if (method === 'initialize' || !isLost || headers['mcp-session-id'] !== 's1') return 'default';
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const first = await open(listener.url);
    expect((await exchange(listener.url, { body: call(1), headers: first })).status).toBe(200);
    isLost = true;
    const statuses = [];
    for (const id of [2, 3]) statuses.push((await exchange(listener.url, { body: call(id), headers: first })).status);
    // The client of a listener keeps its own credential: that it is refused says nothing of the session.
    const isSaid = status === 410 || body !== '';
    expect(statuses).toEqual([status, isSaid ? 404 : status]);
    expect(answered(upstream)).toBe(2);
    expect((await exchange(listener.url, { body: call(4), headers: await open(listener.url) })).status).toBe(200);
  });

  test('what is under way in it is answered', async () => {
    let finish = () => {};
    await using upstream = await startScripted(({ id }, _, response) => {
      if (id === 2) return void response.writeHead(400, { 'content-type': 'text/plain' }).end('no session');
      if (id !== 1) return 'default';
      const stream = openEvents(response);
      finish = () => void stream.end(`data: ${JSON.stringify(result(1, { done: true }))}\n\n`);
    });
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const headers = await open(listener.url);
    const slow = await send(listener.url, { body: call(1), headers });
    expect((await exchange(listener.url, { body: call(2), headers })).status).toBe(400);
    finish();
    await slow.ended;
    expect(slow.body().toString()).toContain('"done":true');
  });
});

describe("the server's own words", () => {
  test.each(['%s', '[%s]', '\ufeff%s'])(
    'an error that names no request, with status 200, is about the one it answers: %j',
    async (form) => {
      await using upstream = await startScripted(({ id, method }, _, response) => {
        if (id !== 7 && id !== 8) return 'default';
        const said = { jsonrpc: '2.0', id: method === 'ping' ? 8 : null, error: { code: -32000, message: 'out of quota' } };
        answerJson(response, form.replace('%s', JSON.stringify(said)));
      });
      await using listener = await startListener({ flags: ['--upstream', upstream.url] });
      const headers = await open(listener.url);
      const error = { code: -32000, message: 'out of quota' };
      const answer = await exchange(listener.url, { body: call(7), headers });
      expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { jsonrpc: '2.0', id: 7, error }]);
      const own = await exchange(listener.url, { body: request(8, 'ping'), headers });
      expect([JSON.parse(own.text)].flat()).toEqual([{ jsonrpc: '2.0', id: 8, error }]);
      const outcomes = (await auditRecords(listener.home)).filter(({ type }) => type === 'outcome');
      expect(outcomes.map(({ result: how }) => how)).toEqual(['released']);
    },
  );

  test('about a refusal: status, time and text reach agent, log and audit, without secrets', async () => {
    await using upstream = await startScripted(({ method }, _, response) => {
      if (method !== 'tools/call') return 'default';
      const said = `slow down, ${'Bearer'} sesame-open-the-door, or else: ${'x'.repeat(300)}`;
      answerJson(response, { message: said }, 429, { 'retry-after': '7' });
    });
    await using listener = await startListener({
      flags: ['--upstream', upstream.url, '--header', 'Authorization: Bearer sesame-open-the-door'],
    });
    const answer = await exchange(listener.url, { body: call(1), headers: await open(listener.url) });
    const { message } = JSON.parse(answer.text).error;
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '7']);
    expect(message).toStartWith('the server answered with HTTP status 429, to be asked again after 7 seconds. It says: "slow down, ');
    expect(message.length).toBeLessThan(300);
    await until('the log', () => listener.output().includes('to be asked again after 7 seconds. It says: "slow down, ') || undefined);
    const outcomes = (await auditRecords(listener.home)).filter(({ type }) => type === 'outcome');
    expect(outcomes).toMatchObject([{ result: 'released', error: message }]);
    expect(message + listener.output() + JSON.stringify(outcomes)).not.toContain('sesame');
  });
});
