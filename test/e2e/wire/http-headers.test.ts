/** wire.md §2.8, §2.10, §2.9: headers that say otherwise than the body, bodies that cannot be read as they are, lists on every channel. */
import { afterAll, describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { exchange } from '../../harness/http.ts';
import { openStreamable } from '../../harness/http-session.ts';
import { envelope } from '../../harness/modern.ts';
import { startListener, startProgram } from '../../harness/program.ts';
import { setUpRecorder } from '../../harness/recorder.ts';

const POLICY = 'version: "1"\nhide: [danger]\ntools:\n  safe: {rules: []}\n';
const REGION = {
  type: 'object',
  properties: { region: { type: 'string', 'x-mcp-header': 'Region' }, n: { type: 'integer', 'x-mcp-header': 'N' } },
};
const TOOLS = [{ name: 'safe', inputSchema: REGION }, { name: 'danger' }];

const call = (name: string, args: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta: envelope() } });
const SAFE = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'safe' };
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;

type Case = readonly [
  name: string,
  body: string | Uint8Array,
  headers: Record<string, string | readonly string[]>,
  status: number,
  code?: number,
];

const REFUSED: readonly Case[] = [
  ['another method', call('danger'), { ...SAFE, 'mcp-method': 'tools/list', 'mcp-name': 'danger' }, 400, -32020],
  ['another name', call('danger'), SAFE, 400, -32020],
  ['the name, encoded, of another', call('danger'), { ...SAFE, 'mcp-name': base64('safe') }, 400, -32020],
  ['no method', call('safe'), { 'mcp-protocol-version': '2026-07-28', 'mcp-name': 'safe' }, 400, -32020],
  ['no name', call('safe'), { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }, 400, -32020],
  ['no version', call('safe'), { 'mcp-method': 'tools/call', 'mcp-name': 'safe' }, 400, -32020],
  ['another version', call('safe'), { ...SAFE, 'mcp-protocol-version': '2025-11-25' }, 400, -32020],
  ['the name twice', call('danger'), { ...SAFE, 'mcp-name': ['safe', 'danger'] }, 400, -32020],
  ['the method in capitals', call('safe'), { ...SAFE, 'mcp-method': 'TOOLS/CALL' }, 400, -32020],
  ['another parameter', call('safe', { region: 'eu' }), { ...SAFE, 'mcp-param-region': 'us' }, 400, -32020],
  ['a parameter left out', call('safe', { region: 'eu' }), SAFE, 400, -32020],
  ['a parameter in broken base64', call('safe', { region: 'eu' }), { ...SAFE, 'mcp-param-region': '=?base64?ZX!U?=' }, 400, -32020],
  ['another number', call('safe', { n: 1 }), { ...SAFE, 'mcp-param-n': '2' }, 400, -32020],
  ['a compressed body', gzipSync(call('safe')), { ...SAFE, 'content-encoding': 'gzip' }, 415],
  ['another charset', call('safe'), { ...SAFE, 'content-type': 'application/json; charset=utf-16' }, 415],
  ['UTF-7', call('safe'), { ...SAFE, 'content-type': 'application/json; charset=utf-7' }, 415],
  ['no JSON by its type', call('safe'), { ...SAFE, 'content-type': 'text/plain' }, 415],
];

const TAKEN: readonly Case[] = [
  ['the name encoded', call('safe'), { ...SAFE, 'mcp-name': base64('safe') }, 200],
  ['a parameter encoded', call('safe', { region: 'é' }), { ...SAFE, 'mcp-param-region': base64('é') }, 200],
  ['a number written otherwise', call('safe', { n: 10 }), { ...SAFE, 'mcp-param-n': '10.0' }, 200],
  ['white space around', call('safe'), { ...SAFE, 'mcp-name': '  safe ' }, 200],
];

let cases = 0;
let bypasses = 0;
afterAll(() => console.log(`attacks by headers and encodings: ${cases} cases, bypasses: ${bypasses}`));

describe.each(['a server over HTTP', 'a command'] as const)('in front of %s', (before) => {
  test('a body that its headers contradict reaches nobody, and one they repeat does', async () => {
    await using recorder = await setUpRecorder({ era: 'dual', tools: TOOLS });
    await using upstream = before === 'a command' ? undefined : await startProgram(recorder.httpCommand);
    await using listener = await startListener(
      upstream ? { policy: POLICY, flags: ['--upstream', upstream.url] } : { policy: POLICY, server: recorder.command },
    );
    const list = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'tools/list', params: { _meta: envelope() } });
    const listed = await exchange(listener.url, {
      body: list,
      headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
    });
    expect([listed.status, listed.text.includes('safe'), listed.text.includes('danger')]).toEqual([200, true, false]);
    for (const [name, body, headers, status, code] of REFUSED) {
      const answer = await exchange(listener.url, { body, headers });
      cases += 1;
      const error = /^\{/.test(answer.text) ? JSON.parse(answer.text).error?.code : undefined;
      expect([name, answer.status, code === undefined ? undefined : error]).toEqual([name, status, code]);
    }
    const executed = await recorder.executed();
    bypasses += executed.length;
    expect(executed).toEqual([]);
    for (const [name, body, headers, status] of TAKEN)
      expect([name, (await exchange(listener.url, { body, headers })).status]).toEqual([name, status]);
    expect((await recorder.executed()).length).toBe(TAKEN.length);
  }, 60_000);
});

test.each(['json', 'stream', 'get', 'resumed'] as const)(
  'what is hidden is on no list, when it comes by %s (wire.md §2.9)',
  async (channel) => {
    await using recorder = await setUpRecorder({ channel, tools: TOOLS });
    await using upstream = await startProgram(recorder.httpCommand);
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    await using session = await openStreamable(listener.url, '2025-11-25');
    await session.request('tools/list', {});
    expect(session.frames.map(({ text }) => text).join('\n')).not.toContain('danger');
    expect((await session.request('tools/call', { name: 'danger', arguments: {} })).result?.isError).toBe(true);
    expect(await recorder.executed()).toEqual([]);
  },
  60_000,
);
