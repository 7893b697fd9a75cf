/** cli.md §1: `intercept tools` shows what a server offers, and what the policy makes of it; every way to fail is one clear line. */
import { describe, expect, test } from 'bun:test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod/v4';
import { startEverything } from '../e2e/bridge/servers.ts';
import { BUN, ROOT } from '../harness/paths.ts';
import { startUpstream } from '../harness/upstream.ts';
import { openFolder } from './run.ts';

const SERVER = [BUN, join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'];
const POLICY = `version: "1"
name: t
default: deny
methods: deny
allow: [echo]
hide: [get-env]
tools:
  get-sum: [{rate_limit: 5/hour}]
  get-tiny-image: [{action: require_approval}]
  toggle-simulated-logging: [{action: deny}]
`;

/** A server that runs this for each line that it is sent. */
function scripted(onLine: string, first = ''): readonly string[] {
  return [
    BUN,
    '-e',
    `${first};for await (const line of console) { if (line === '') break; const { id, method } = JSON.parse(line); ${onLine} }`,
  ];
}
const answering = (result: string) =>
  scripted(
    `if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, ...(method === 'initialize' ? { result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } } } : ${result}) }));`,
  );

describe('intercept tools', () => {
  test('lists arguments with type and whether they are required, grouped by what the policy makes of the tool', async () => {
    using folder = openFolder();
    const { out, status } = await folder.run('tools', '-c', folder.write('p.yaml', POLICY), '--', ...SERVER);
    expect(status).toBe(0);
    expect(out).toMatch(/^called freely\n {2}echo +message: string\n\ncalled within rules\n {2}get-sum +\[1 rule\] a: number, b: number\n/);
    expect(out).toMatch(/may need approval\n {2}get-tiny-image +\[1 rule\]\n\ndenied\n {2}toggle-simulated-logging/);
    expect(out).toContain('hidden, and denied when called\n');
    expect(out).toMatch(/\n {2}get-resource-links +count\?: number\n/);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(
      /^\d+ tools: 3 may be called \(1 with approval\), 1 is denied \(toggle-simulated-logging\), \d+ are hidden \(\S+, \S+, \S+, …\)$/,
    );
  }, 60_000);

  test('--json is what --tools takes', async () => {
    using folder = openFolder();
    const { out } = await folder.run('tools', '--json', '--', ...SERVER);
    const tools = folder.write('tools.json', out);
    const policy = folder.write(
      'p.yaml',
      'version: "1"\nname: t\ndefault: deny\nmethods: deny\ntools:\n  get-sum: [{validate: {schema: true}}]\n  gone: []\n',
    );
    const validated = await folder.run('validate', policy, '--tools', tools);
    expect(validated.out).toContain('the server has no tool "gone"');
    expect(validated.out).toMatch(/p\.yaml: \d+ tools: 1 may be called, \d+ are hidden/);
    const call = ['explain', '-c', policy, '--tools', tools, '--call', 'get-sum', '--args'];
    expect((await folder.run(...call, '{"a":1,"b":2}')).status).toBe(0);
    expect((await folder.run(...call, '{"a":1}')).status).toBe(4);
  }, 60_000);

  test('without a policy the tools alone are listed', async () => {
    using folder = openFolder();
    const { out } = await folder.run(
      'tools',
      '--',
      ...answering(`{ result: { tools: [{ name: 'a', inputSchema: { type: 'object' } }] } }`),
    );
    expect(out).toBe('  a\n\n1 tool\n');
  });

  test('what a server calls its tools moves no cursor', async () => {
    using folder = openFolder();
    const { out } = await folder.run('tools', '--', ...answering(`{ result: { tools: [{ name: 'a\\u001b[2J\\u202e' }] } }`));
    expect(out).not.toContain('\u001b');
    expect(out).not.toContain('\u202e');
  });

  test.each([
    ['it has no tools', answering('{ result: { tools: [] } }'), 0, 'the server has no tools'],
    ['it does not know the method', answering(`{ error: { code: -32601, message: 'no' } }`), 0, 'the server has no tools'],
    [
      'it refuses',
      answering(`{ error: { code: -32000, message: 'log in first' } }`),
      1,
      'it answered "tools/list" with an error: "log in first"',
    ],
    ['its list is nonsense', answering('{ result: { tools: 5 } }'), 1, 'its tool list cannot be read: "tools" is not an array'],
    [
      'its list has no end',
      answering(`{ result: { tools: [], nextCursor: 'a' } }`),
      1,
      'its list comes back to a page that it had already',
    ],
    ['it never answers', scripted(''), 1, 'it did not answer "initialize" within 0.4 s'],
    ['it ends', [BUN, '-e', 'process.exit(7)'], 1, 'it ended (status 7) before it answered'],
    ['it is no server', [BUN, '-e', 'console.log("usage: x")'], 1, 'before it answered; what it said is no MCP: "usage: x"'],
    ['it is not there', ['no-such-command-anywhere'], 1, 'command "no-such-command-anywhere" was not found'],
  ])('%s: one clear line', async (name, server, status, expected) => {
    using folder = openFolder();
    const ran = await folder.run('tools', '--timeout', name === 'it never answers' ? '400ms' : '60s', '--', ...server);
    expect(`${ran.out}${ran.err}`).toContain(expected);
    expect(ran.status).toBe(status);
  });

  test('a flood ends where nobody could read on', async () => {
    using folder = openFolder();
    const flood = `const lot = 'x'.repeat(65_535) + '\\n'; const more = () => { while (process.stdout.write(lot)); process.stdout.once('drain', more); }; more()`;
    const { err, status } = await folder.run('tools', '--', BUN, '-e', flood);
    expect(err).toContain('it sent more than 64 MiB and did not answer');
    expect(status).toBe(1);
  }, 60_000);

  test.each([
    [['tools'], 'no server to ask'],
    [['tools', '--upstream', 'http://127.0.0.1:9/mcp', '--', 'x'], 'name two servers'],
  ])('%j is wrong usage', async (argv, expected) => {
    using folder = openFolder();
    const { err, status } = await folder.run(...argv);
    expect(err).toContain(expected);
    expect(status).toBe(2);
  });
});

describe('intercept tools --upstream', () => {
  test('asks a remote server, as the bridge would', async () => {
    await using upstream = await startUpstream(async ({ body }, response) => {
      const { id, method } = body === '' ? { id: undefined, method: '' } : JSON.parse(body);
      if (id === undefined) return void response.writeHead(method === '' ? 405 : 202).end();
      const result =
        method === 'initialize'
          ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } }
          : { tools: [{ name: 'pay', inputSchema: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } } }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    using folder = openFolder();
    expect(await folder.run('tools', '--upstream', upstream.url)).toEqual({ status: 0, out: '  pay  amount: number\n\n1 tool\n', err: '' });
  });

  test('a server of HTTP+SSE alone', async () => {
    await using server = await startEverything('sse');
    using folder = openFolder();
    const policy = folder.write('p.yaml', POLICY);
    const { out, err, status } = await folder.run('tools', '-c', policy, '--upstream', server.url);
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/echo +message: string/);
    expect(out).toContain('hidden, and denied when called');
  }, 60_000);

  test('a server of 2026-07-28 alone, which knows no handshake', async () => {
    const open = () => {
      const server = new McpServer({ name: 'modern', version: '1' });
      server.registerTool('add', { inputSchema: z.object({ a: z.number(), b: z.number().optional() }) }, async () => ({ content: [] }));
      return server;
    };
    const handler = toNodeHandler(createMcpHandler(open, { legacy: 'reject' }));
    const http = createServer((request, response) => void handler(request as NodeIncomingMessageLike, response));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    try {
      using folder = openFolder();
      const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
      expect(await folder.run('tools', '--upstream', url)).toEqual({ status: 0, out: '  add  a: number, b?: number\n\n1 tool\n', err: '' });
    } finally {
      http.close();
    }
  });

  test('a server that asks for a login says what to do', async () => {
    await using upstream = await startUpstream(async (_, response) => void response.writeHead(401).end());
    using folder = openFolder();
    const { err, status } = await folder.run('tools', '--upstream', upstream.url);
    expect(err).toContain('asks for authorization (401)');
    expect(err).toContain('--header-env Authorization=VARIABLE');
    expect(status).toBe(1);
  });

  test('one that is not there is one line', async () => {
    using folder = openFolder();
    const { err, status } = await folder.run('tools', '--upstream', 'http://127.0.0.1:9/mcp');
    expect(err).toMatch(/^intercept: the server's tools are not known: .*refuses connections/);
    expect(status).toBe(1);
  });
});
