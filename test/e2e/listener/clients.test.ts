/** Real clients before real servers, through the listener (wire.md §1): every way in, every way out. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { BUN, NODE, ROOT } from '../../harness/paths.ts';
import { startListener } from '../../harness/program.ts';
import { startDualEra, startEverything } from '../bridge/servers.ts';

// Each test starts processes, on a machine that may have much else to do.
setDefaultTimeout(60_000);

const EVERYTHING = [NODE, join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'];
const POLICY = `version: "1"
hide: [get-env]
tools:
  get-sum: { rules: [{ name: small, conditions: [{ path: args.a, op: lte, value: 100 }], on_deny: too much }] }
`;

function client(): Client {
  const made = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {}, roots: { listChanged: true } } });
  made.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { name: 'Ada', check: true, color: 'blue' } }));
  return made;
}

/** What every client has to find. */
async function exercise(made: Client): Promise<void> {
  const { tools } = await made.listTools();
  const names = tools.map(({ name }) => name);
  expect(names).toContain('echo');
  expect(names).not.toContain('get-env');
  const echoed = await made.callTool({ name: 'echo', arguments: { message: 'hällo' } });
  expect(JSON.stringify(echoed.content)).toContain('hällo');
  const denied = await made.callTool({ name: 'get-sum', arguments: { a: 1_000, b: 1 } });
  expect([denied.isError, JSON.stringify(denied.content).includes('too much')]).toEqual([true, true]);
  // The client forgets progress that comes in one piece with its answer: on a loaded machine the steps have to be apart.
  const progress: number[] = [];
  await made.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 1, steps: 4 } }, undefined, {
    onprogress: ({ progress: step }) => void progress.push(step),
  });
  expect(progress.length).toBeGreaterThan(0);
  const many = await Promise.all(Array.from({ length: 20 }, (_, n) => made.callTool({ name: 'get-sum', arguments: { a: n, b: 1 } })));
  expect(many.map(({ content }) => /is (\d+)/.exec(JSON.stringify(content))?.[1])).toEqual(
    Array.from({ length: 20 }, (_, n) => String(n + 1)),
  );
}

const transports = {
  'Streamable HTTP': (url: string) => new StreamableHTTPClientTransport(new URL(url)),
  'HTTP+SSE': (url: string) => new SSEClientTransport(new URL(url.replace(/\/mcp$/, '/sse'))),
};

describe.each(Object.entries(transports))('a client of %s', (_, transport) => {
  test('before a command', async () => {
    await using listener = await startListener({ policy: POLICY, server: EVERYTHING });
    const [one, two] = [client(), client()];
    await Promise.all([one, two].map((made) => made.connect(transport(listener.url))));
    await exercise(one);
    await exercise(two);
    await Promise.all([one.close(), two.close()]);
  });
  test('before a server of Streamable HTTP', async () => {
    await using upstream = await startEverything('streamableHttp');
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const made = client();
    await made.connect(transport(listener.url));
    await exercise(made);
    await made.close();
  });
  test('before a server of HTTP+SSE that nobody said is one', async () => {
    await using upstream = await startEverything('sse');
    await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
    const made = client();
    await made.connect(transport(listener.url));
    await exercise(made);
    await made.close();
  });
  test('before a server of HTTP+SSE', async () => {
    await using upstream = await startEverything('sse');
    await using listener = await startListener({ policy: POLICY, flags: ['--transport', 'sse', '--upstream', upstream.url] });
    const made = client();
    await made.connect(transport(listener.url));
    await exercise(made);
    await made.close();
  });
});

test('before a command, the server asks its client: elicitation during a call', async () => {
  await using listener = await startListener({ server: EVERYTHING });
  const made = client();
  await made.connect(transports['Streamable HTTP'](listener.url));
  const answer = await made.callTool({ name: 'trigger-elicitation-request', arguments: {} });
  expect(JSON.stringify(answer.content)).toContain('Ada');
  await made.close();
});

describe('clients of 2026-07-28', () => {
  const connect = async (url: string) => {
    const made = new ModernClient(
      { name: 'modern', version: '1' },
      { capabilities: {}, versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    await made.connect(new ModernTransport(new URL(url)));
    return made;
  };
  test('before a command share one server', async () => {
    await using listener = await startListener({ server: [BUN, join(ROOT, 'test/fixtures/servers/modern.ts')] });
    const made = await Promise.all([connect(listener.url), connect(listener.url)]);
    for (const one of made) expect((await one.listTools()).tools.length).toBeGreaterThan(0);
    expect(made[0]?.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    await Promise.all(made.map((one) => one.close()));
  });
  test('before a server of their era', async () => {
    await using upstream = await startDualEra();
    await using listener = await startListener({ flags: ['--upstream', upstream.url] });
    const made = await connect(listener.url);
    expect((await made.listTools()).tools.length).toBeGreaterThan(0);
    await made.close();
  });
});
