/** setup.md §2: `scan --clients` shows every server of the machine, writes nothing, and starts what was asked for alone. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { runProgram } from '../../../src/cli/program.ts';
import { openTerminal } from '../../../src/cli/terminal.ts';
import { BUN, interceptCommand, ROOT, temporaryFolder } from '../../harness/paths.ts';

const LONG = 60_000;
const SECRET = 'hunter2-hunter2-hunter2';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let home = '';
let project = '';

/** A server that leaves a mark where it was started. */
function server(mark: string, ...tools: readonly string[]) {
  const listed = tools.map((name) => ({ name, description: 'It is there.' }));
  const script = `require('node:fs').writeFileSync(${JSON.stringify(join(folder.path, mark))}, ''); for await (const line of console) { const { id, method } = JSON.parse(line); if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: method === 'initialize' ? { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } } : { tools: ${JSON.stringify(listed)} } })); }`;
  return { command: BUN, args: ['-e', script], env: { API_KEY: SECRET } };
}

beforeAll(async () => {
  folder = await temporaryFolder();
  home = join(folder.path, 'home');
  project = join(home, 'work');
  for (const path of [project, join(home, '.cursor')]) mkdirSync(path, { recursive: true });
  const stripe = { command: 'npx', args: ['-y', '@stripe/mcp@0.2.5', '--tools=all'] };
  const own = server('own', 'delete_all', 'list_all');
  writeFileSync(join(home, '.claude.json'), JSON.stringify({ mcpServers: { stripe, own } }));
  writeFileSync(join(home, '.cursor/mcp.json'), JSON.stringify({ mcpServers: { own, 'odd\u001b[2J': { command: 'no-such-command' } } }));
  writeFileSync(join(project, '.mcp.json'), JSON.stringify({ mcpServers: { shared: server('shared', 'x') } }));
});
afterAll(() => folder.remove());

function inventory(...flags: readonly string[]) {
  const [command = '', ...args] = interceptCommand();
  const env = { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' };
  const { stdout, stderr, status } = spawnSync(command, [...args, 'scan', '--clients', ...flags], {
    cwd: project,
    env,
    encoding: 'utf8',
    input: '',
  });
  return { out: stdout, err: stderr, status };
}

const started = (mark: string) => existsSync(join(folder.path, mark));

test(
  'each file with its clients, each server with its state and what is known of its tools; nothing is started or written',
  () => {
    const { out, status } = inventory();
    expect(status).toBe(0);
    expect(out).toContain(`Claude Code  ${join(home, '.claude.json')}\n  open     stripe  `);
    expect(out).toMatch(/ stripe +22 tools: 1 Destructive, .* \(by the library\)\n/);
    expect(out).toMatch(/\n {2}open {5}own +tools unknown\n/);
    expect(out).toContain(join(project, '.mcp.json'));
    expect(out).toEndWith('\n5 servers, 5 not covered: intercept init\n');
    for (const hidden of ['\u001b', SECRET]) expect(out).not.toContain(hidden);
    expect([started('own'), started('shared')]).toEqual([false, false]);
    expect(readdirSync(home).filter((name) => name === '.intercept')).toEqual([]);
  },
  LONG,
);

test(
  '--fail-on finds servers that are not covered, by what they can do',
  () => {
    for (const [list, status] of [
      ['financial', 4],
      ['execute', 0],
      ['unknown', 4],
      ['execute,open', 4],
    ] as const)
      expect([list, inventory('--fail-on', list).status]).toEqual([list, status]);
    expect(inventory('--fail-on', 'financial').err).toBe('financial: stripe\n');
    expect(inventory('--fail-on', 'destructve').err).toContain('did you mean "destructive"?');
  },
  LONG,
);

test(
  '--start asks about each, and starts what somebody said yes to alone',
  async () => {
    expect(inventory('--start').err).toContain('no terminal to ask on');
    const stdin = Object.assign(new PassThrough(), { isTTY: true });
    const stderr = Object.assign(new PassThrough(), { isTTY: true });
    const env = { PATH: process.env.PATH, HOME: home, INTERCEPT_HOME: join(folder.path, 'other'), NO_COLOR: '1' };
    const asked: string[] = [];
    stderr.on('data', (chunk: Buffer) => {
      asked.push(chunk.toString());
      if (chunk.includes('[y/N]')) stdin.write(chunk.includes('Start odd') ? 'y\n' : '\n');
    });
    const stdout = new PassThrough();
    const printed = text(stdout);
    await runProgram(['scan', '--clients', '--start'], openTerminal({ stdout, stderr, stdin, env }));
    stdout.end();
    expect(asked.join('')).toContain('Start stripe: npx -y @stripe/mcp@0.2.5 --tools=all? [y/N] ');
    expect(asked.join('')).toContain('Start odd\\u001b[2J: no-such-command? [y/N] ');
    expect(asked.join('')).not.toContain(SECRET);
    expect(await printed).toContain('tools unknown; command "no-such-command" was not found');
    expect([started('own'), started('shared')]).toEqual([false, false]);
  },
  LONG,
);

test(
  '--start --yes scans each once, but for servers of projects; the next inventory knows their tools',
  () => {
    const config = JSON.parse(readFileSync(join(home, '.claude.json'), 'utf8'));
    delete config.mcpServers.stripe;
    writeFileSync(join(home, '.claude.json'), JSON.stringify(config));
    const { out } = inventory('--start', '--yes');
    expect(out.match(/own +2 tools: 1 Destructive, 1 Read\n/g)).toHaveLength(2);
    expect(out).toContain('tools unknown; command "no-such-command" was not found');
    expect([started('own'), started('shared')]).toEqual([true, false]);
    expect(inventory().out).toMatch(/own +2 tools: 1 Destructive, 1 Read \(last listed\)\n/);
    expect(inventory('--start', '--yes', '--project').out).toMatch(/shared +1 tool: 1 Write\n/);
    expect(started('shared')).toBe(true);
  },
  LONG,
);

test(
  '--json is what its schema says',
  () => {
    const schema = JSON.parse(readFileSync(join(ROOT, 'schema/output.schema.json'), 'utf8'));
    const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } }).addSchema(schema);
    const validate = ajv.compile({ $ref: `${schema.$id}#/$defs/scan_clients` });
    validate(JSON.parse(inventory('--json').out));
    expect(validate.errors).toBeNull();
  },
  LONG,
);

test.each([
  [['--', 'x'], '--clients is about all servers, and a command about one'],
  [['-o', 'f'], '--clients is about all servers, and --output about one'],
  [['--yes'], '--yes and --project are about --start'],
])('%j is wrong usage', (flags, expected) => {
  const { err, status } = inventory(...flags);
  expect(err).toContain(expected);
  expect(status).toBe(2);
});
