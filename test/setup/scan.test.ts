/** setup.md §2: a scan speaks with real servers of either era, survives hostile ones, and leaves nothing of theirs running. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '../../src/core/fault.ts';
import { isObject } from '../../src/core/json.ts';
import { collectLastWords } from '../../src/setup/last-words.ts';
import { scanServer } from '../../src/setup/scan.ts';
import { BUN, ROOT, temporaryFolder } from '../harness/paths.ts';
import { startUpstream } from '../harness/upstream.ts';
import { until } from '../harness/wait.ts';
import { lives } from '../process/relays.ts';

const LONG = 60_000;
const OFFICIAL = join(ROOT, 'node_modules/@modelcontextprotocol');
const FIXTURES = join(ROOT, 'test/fixtures/servers');

function scan(command: readonly string[], timeout = LONG, env: Record<string, string | undefined> = process.env) {
  return scanServer({ command, remote: undefined }, env, { timeout });
}

/** The error of a scan that fails. */
async function fault(
  command: readonly string[],
  timeout = LONG,
  env: Record<string, string | undefined> = process.env,
): Promise<CommandError> {
  const error = await scan(command, timeout, env).catch((thrown: unknown) => thrown);
  if (!(error instanceof CommandError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

/** A server whose answers to `tools/list` are an expression of `n`, the count of them so far. */
function listing(result: string, first = ''): readonly string[] {
  return [
    BUN,
    '-e',
    `${first}; let n = 0; for await (const line of console) { const { id, method } = JSON.parse(line); if (id === undefined) continue;
    const result = method === 'initialize' ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } : (n++, ${result});
    console.log(JSON.stringify({ jsonrpc: '2.0', id, result })); }`,
  ];
}

describe('real servers', () => {
  test.each([
    ['server-everything', ['server-everything/dist/index.js', 'stdio'], 13, true, true],
    ['server-memory', ['server-memory/dist/index.js'], 9, true, false],
    ['server-filesystem', ['server-filesystem/dist/index.js', ROOT], 14, false, false],
    ['server-sequential-thinking', ['server-sequential-thinking/dist/index.js'], 1, false, false],
  ])(
    '%s',
    async (_, [script = '', ...args], count, resources, prompts) => {
      const server = await scan([BUN, join(OFFICIAL, script), ...args]);
      expect(server).toMatchObject({ protocol: '2025-06-18', resources, prompts });
      expect(server.info?.name).toBeTruthy();
      expect(server.tools).toHaveLength(count);
      for (const { inputSchema } of server.tools) expect(isObject(inputSchema)).toBe(true);
    },
    LONG,
  );

  test(
    'context7',
    async () => {
      const { info, tools } = await scan([BUN, join(ROOT, 'node_modules/@upstash/context7-mcp/dist/index.js')]);
      expect(info).toEqual({ name: 'Context7', version: '4.1.1' });
      expect(tools).toHaveLength(2);
    },
    LONG,
  );

  test.each(['sdk-1.12.ts', 'sdk-1.20.ts'])(
    '%s: all pages of its list',
    async (file) => {
      const seen: unknown[] = [];
      const asked = { command: [BUN, join(FIXTURES, file)], remote: undefined };
      const { tools } = await scanServer(asked, process.env, { timeout: LONG, onProgress: (...progress) => seen.push(progress) });
      expect(tools.map(({ name }) => name)).toEqual(['echo', 'add', 'count', 'fail']);
      expect(seen.length).toBeGreaterThan(2);
      expect(seen[0]).toEqual([expect.any(String), 0]);
      expect(seen.at(-1)).toEqual([expect.any(String), 4]);
    },
    LONG,
  );

  test(
    'one of the era without a handshake says what it is in its own way',
    async () => {
      const onLine = `const { id, method, params } = JSON.parse(line); if (id === undefined) continue;
        const isModern = params._meta?.['io.modelcontextprotocol/protocolVersion'] === '2026-07-28';
        const results = { 'server/discover': { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {}, resources: {} }, serverInfo: { name: 'new', version: '3' } }, 'tools/list': { resultType: 'complete', tools: [{ name: 'a' }] } };
        const result = isModern ? results[method] : undefined;
        console.log(JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error: { code: -32601, message: 'no' } }) }));`;
      expect(await scan([BUN, '-e', `for await (const line of console) { ${onLine} }`])).toEqual({
        info: { name: 'new', version: '3' },
        protocol: '2026-07-28',
        resources: true,
        prompts: false,
        tools: [{ name: 'a' }],
      });
      expect((await scan([BUN, join(FIXTURES, 'modern.ts')])).tools.length).toBeGreaterThan(0);
    },
    LONG,
  );

  test('a remote one', async () => {
    await using upstream = await startUpstream(async ({ body }, response) => {
      const { id, method } = body === '' ? { id: undefined, method: '' } : JSON.parse(body);
      if (id === undefined) return void response.writeHead(method === '' ? 405 : 202).end();
      const result =
        method === 'initialize'
          ? { protocolVersion: '2025-06-18', capabilities: { tools: {}, prompts: {} }, serverInfo: { name: 'far', version: '2' } }
          : { tools: [{ name: 'pay', description: 'Pays.', annotations: { readOnlyHint: false } }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    const remote = { url: new URL(upstream.url), headers: {}, given: [], secretEnv: [] };
    expect(await scanServer({ command: undefined, remote }, process.env, { timeout: LONG })).toEqual({
      info: { name: 'far', version: '2' },
      protocol: '2025-06-18',
      resources: false,
      prompts: true,
      tools: [{ name: 'pay', description: 'Pays.', annotations: new Map([['readOnlyHint', false]]) }],
    });
  });
});

describe('hostile servers', () => {
  test(
    'megabytes on stderr, in pieces of any size, do not keep it',
    async () => {
      const loud = `const piece = new Uint8Array(300_000).fill(120); for (let i = 0; i < 40; i++) require('node:fs').writeSync(2, piece)`;
      expect((await scan(listing(`{ tools: [{ name: 'a' }] }`, loud))).tools).toHaveLength(1);
      const words = collectLastWords({}, undefined);
      for (let count = 0; count < 40; count++) words.onError(Buffer.from(`${'x'.repeat(200_000)}\nlast ${count}\n`));
      expect(words.lines().at(-1)).toBe('last 39');
    },
    LONG,
  );

  test(
    '10,000 tools, and a description of 5 MB',
    async () => {
      const many = await scan(
        listing(`{ tools: Array.from({ length: 10000 }, (_, i) => ({ name: 't' + i, inputSchema: { type: 'object' } })) }`),
      );
      expect(many.tools).toHaveLength(10_000);
      const large = await scan(listing(`{ tools: [{ name: 'x', description: 'y'.repeat(5_000_000) }] }`));
      expect(large.tools[0]?.description).toHaveLength(5_000_000);
    },
    LONG,
  );

  test(
    'a definition that two readers could take differently says nothing',
    async () => {
      const twice = '{"name":"x","inputSchema":{"type":"object","a":1,"a":2},"annotations":{"readOnlyHint":true,"readOnlyHint":false}}';
      const line = JSON.stringify({ jsonrpc: '2.0', id: 2, result: { tools: [] } }).replace('[]', `[${twice}]`);
      const { tools } = await scan(
        listing('0', `const log = console.log; console.log = (text) => log(text.includes('"id":2') ? ${JSON.stringify(line)} : text)`),
      );
      expect(tools).toEqual([{ name: 'x' }]);
    },
    LONG,
  );

  test.each([
    ['a list that never ends', `{ tools: [{ name: 'a' + n }], nextCursor: String(n) }`, 'its tool list has more than 100 pages'],
    ['a list that comes back', `{ tools: [], nextCursor: 'a' }`, 'its list comes back to a page that it had already'],
    [
      'too many tools',
      `{ tools: Array.from({ length: 2000 }, (_, i) => ({ name: 'a' + n + i })), nextCursor: String(n) }`,
      'it has more than 10000 tools',
    ],
    ['no list', '{ tools: 5 }', 'its tool list cannot be read: "tools" is not an array'],
  ])(
    '%s',
    async (_, result, expected) => {
      expect((await fault(listing(result))).message).toBe(`the server's tools are not known: ${expected}`);
    },
    LONG,
  );

  test(
    'garbage, and one that never answers: the time is for all of it',
    async () => {
      const garbage = await fault([BUN, '-e', 'console.log("\\u001b[31mwelcome"); setInterval(() => {}, 1000)'], 1_500);
      expect(garbage.message).toBe(
        'the server\'s tools are not known: it did not answer "initialize" within 1.5 s; what it said is no MCP: "\\u001b[31mwelcome"',
      );
      const slow = listing(`(await new Promise((resolve) => setTimeout(resolve, 400)), { tools: [], nextCursor: String(n) })`);
      expect((await fault(slow, 1_500)).message).toContain('it did not answer "tools/list" within 1.5 s');
    },
    LONG,
  );

  test(
    'the last 20 lines of its stderr come with the error, without secrets, colours and escapes',
    async () => {
      const script = 'for i in $(seq 1 30); do echo "line $i" >&2; done; printf "\\033[31mtoken %s\\033[2J\\n" "$MY_SECRET" >&2; exit 3';
      const { message, help } = await fault(['sh', '-c', script], LONG, { ...process.env, MY_SECRET: 'hunter2-hunter2' });
      const lines = message.split('\n');
      expect(lines[0]).toBe("the server's tools are not known: it ended (status 3) before it answered");
      expect(lines.slice(2, -1)).toEqual(Array.from({ length: 19 }, (_, index) => `  | line ${index + 12}`));
      expect(lines.at(-1)).toBe('  | token [redacted]\\u001b[2J');
      expect(help).toBe('it seems to ask for credentials: set the variables that its documentation names, and scan again');
    },
    LONG,
  );

  test(
    'one that asks for a variable',
    async () => {
      const { help } = await fault(['sh', '-c', 'echo "Error: ACME_API_KEY is required" >&2; exit 1']);
      expect(help).toBe('it seems to ask for ACME_API_KEY: set that variable, and scan again');
    },
    LONG,
  );

  test(
    'a process that it started, also one that left its group, ends with it',
    async () => {
      const folder = await temporaryFolder();
      const file = join(folder.path, 'pids');
      const start = `const { spawn } = require('node:child_process'); const ids = [false, true].map((detached) => spawn('sleep', ['600'], { detached, stdio: 'ignore' }).pid); require('node:fs').writeFileSync(${JSON.stringify(file)}, ids.join(' '))`;
      await scan(listing('{ tools: [] }', start));
      const pids = readFileSync(file, 'utf8').split(' ').map(Number);
      expect(pids).toHaveLength(2);
      await until('their end', () => (pids.some(lives) ? undefined : true));
      await folder.remove();
    },
    LONG,
  );
});
