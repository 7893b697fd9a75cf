/** setup.md §2: `intercept scan` as people and programs use it. */
import { describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runProgram } from '../../src/cli/program.ts';
import { openTerminal } from '../../src/cli/terminal.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { BUN } from '../harness/paths.ts';
import { startUpstream } from '../harness/upstream.ts';
import { openFolder } from './run.ts';

const LONG = 60_000;
const schema = (properties: object, required: readonly string[] = []) => ({ type: 'object', properties, required });
const TOOLS = [
  { name: 'list_customers', description: 'Lists customers. All of them.', inputSchema: schema({ limit: { type: 'integer' } }) },
  { name: 'create_customer', inputSchema: schema({ name: { type: 'string' } }, ['name']) },
  { name: 'create_refund', inputSchema: schema({ amount: { type: 'integer' }, currency: { type: 'string' } }) },
  { name: 'delete_customer', description: 'Deletes a customer.', inputSchema: schema({ id: { type: 'string' } }, ['id']) },
];

/** A server with these tools. */
function serving(tools: readonly object[]): readonly string[] {
  const answers = {
    initialize: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'Shop', version: '1.0' } },
    'tools/list': { tools },
  };
  return [
    BUN,
    '-e',
    `const answers = ${JSON.stringify(answers)}; for await (const line of console) { const { id, method } = JSON.parse(line); if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] })); }`,
  ];
}
const SHOP = ['--', ...serving(TOOLS)];

/** The same on a terminal of so many columns. */
async function onTerminal(columns: number, ...argv: readonly string[]): Promise<string> {
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns, rows: 24 });
  const terminal = openTerminal({ stdout, stderr: new PassThrough(), stdin: Readable.from(['']), env: { ...process.env, NO_COLOR: '1' } });
  const printed = text(stdout);
  await runProgram(['scan', ...argv], terminal);
  stdout.end();
  return printed;
}

describe('what is printed', () => {
  test(
    'on a terminal: counts, then a line for each tool, the worst first, with its evidence',
    async () => {
      const out = await onTerminal(80, ...SHOP);
      expect(out).toMatch(
        /^Shop 1\.0 · MCP 2025-06-18\n4 tools: 1 Destructive, 1 Financial, 1 Write, 1 Read\n\nDestructive {2}delete_customer {2}name: "delete".*\n\nFinancial {4}create_refund {4}/,
      );
      expect(out).toMatch(/\nRead {9}list_customers {3}name: "list"\n/);
      expect(
        Math.max(
          ...out
            .split('\n')
            .slice(0, -3)
            .map((line) => line.length),
        ),
      ).toBeLessThanOrEqual(80);
    },
    LONG,
  );

  test(
    'a wide one has room for what the server says of each',
    async () => {
      const out = await onTerminal(200, ...SHOP);
      expect(out).toMatch(/\nDestructive {2}delete_customer {2}name: "delete".* {3}Deletes a customer\.\n/);
      expect(out).toMatch(/\nRead {9}list_customers {3}name: "list" {3,}Lists customers\.\n/);
    },
    LONG,
  );

  test(
    'elsewhere, and with --policy, the policy',
    async () => {
      using folder = openFolder();
      const { out, err, status } = await folder.run('scan', ...SHOP);
      expect({ err, status }).toEqual({ err: '', status: 0 });
      expect(out).toContain('\nname: shop\ndefault: allow\ntools:\n');
      expect((await loadPolicyText(out)).policy?.exact.size).toBe(4);
      expect(await onTerminal(80, '--policy', ...SHOP)).toBe(out);
    },
    LONG,
  );

  test(
    'a preset by its name',
    async () => {
      using folder = openFolder();
      const { out } = await folder.run('scan', '--preset', 'suggested', ...SHOP);
      expect((await loadPolicyText(out)).diagnostics).toEqual([]);
      expect(out).toContain('from: args.amount');
    },
    LONG,
  );

  test(
    'names that would move a cursor are escaped and never cut; those without a key are reported',
    async () => {
      const names = ['a\u001b[2J', '\u202egnp', `${'long_'.repeat(40)}end`, 'every*', '": {}'];
      const out = await onTerminal(80, '--', ...serving(names.map((name) => ({ name, description: '\u001b]0;x\u0007' }))));
      for (const unseen of ['\u001b', '\u202e', '\u0007']) expect(out).not.toContain(unseen);
      for (const shown of ['a\\u001b[2J', '\\u202egnp', names[2] as string]) expect(out).toContain(shown);
      using folder = openFolder();
      const { err } = await folder.run('scan', '--', ...serving(names.map((name) => ({ name }))));
      expect(err).toBe('left out: "every*": a key with "*" is a glob\n');
    },
    LONG,
  );
});

test(
  'a package that the library has a policy for',
  async () => {
    using folder = openFolder();
    const [, ...args] = serving(TOOLS);
    const npx = folder.write('npx', `#!/bin/sh\nexec ${BUN} "$INIT_FLAG" "$INIT_SCRIPT"\n`);
    chmodSync(npx, 0o755);
    // npm, which runs the tests, may name a registry of its own: what comes from elsewhere is not the package that is known.
    for (const name of Object.keys(folder.env)) if (/^npm_config_/i.test(name)) folder.env[name] = undefined;
    Object.assign(folder.env, { PATH: `${folder.path}:${process.env.PATH}`, INIT_FLAG: args[0], INIT_SCRIPT: args[1] });
    const { out, err } = await folder.run('scan', '--', 'npx', '-y', '@stripe/mcp@0.2.5', '--tools=all');
    expect(err).toBe('the library has a policy for @stripe/mcp 0.2.5: intercept policies add stripe\n');
    expect(out).toStartWith('# Policy "scaffold" for @stripe/mcp 0.2.5, drafted by');
    expect(out).not.toContain('--tools');
  },
  LONG,
);

describe('-o', () => {
  test(
    'writes a policy, and not over another one',
    async () => {
      using folder = openFolder();
      const file = join(folder.path, 'policy.yaml');
      const first = await folder.run('scan', '-o', file, ...SHOP);
      expect(first.out).toContain(`wrote ${file} (scaffold); enforce it: intercept -c ${file} -- COMMAND\n`);
      const written = readFileSync(file, 'utf8');
      expect(await folder.run('scan', '-o', file, '--', 'no-such-command')).toEqual({
        status: 1,
        out: '',
        err: `intercept: ${file} exists already\nhelp: add --update to keep it and add what is new, or --force to write over it\n`,
      });
      expect((await folder.run('scan', '-o', file, '--force', '--preset', 'strict', ...SHOP)).status).toBe(0);
      expect(readFileSync(file, 'utf8')).not.toBe(written);
      expect((await folder.run('scan', '-o', join(folder.path, 'no/p.yaml'), ...SHOP)).err).toContain('no/p.yaml does not exist');
    },
    LONG,
  );

  test(
    'nothing is written where the server is not scanned',
    async () => {
      using folder = openFolder();
      const file = join(folder.path, 'policy.yaml');
      const { err, status } = await folder.run('scan', '-o', file, '--', 'sh', '-c', 'echo "SHOP_TOKEN is missing" >&2; exit 1');
      expect(status).toBe(1);
      expect(err).toBe(
        "intercept: the server's tools are not known: it ended (status 1) before it answered\nthe server said last:\n  | SHOP_TOKEN is missing\nhelp: it seems to ask for SHOP_TOKEN: set that variable, and scan again\n",
      );
      expect(existsSync(file)).toBe(false);
    },
    LONG,
  );
});

describe('--update', () => {
  test(
    'adds what is new, names what is gone and changed, exits 5; with --check it writes nothing',
    async () => {
      using folder = openFolder();
      const file = join(folder.path, 'policy.yaml');
      await folder.run('scan', '-o', file, '--preset', 'suggested', ...SHOP);
      expect(await folder.run('scan', '-o', file, '--update', ...SHOP)).toEqual({ status: 0, out: `${file}: nothing changed\n`, err: '' });
      const before = readFileSync(file, 'utf8');
      const mode = statSync(file).mode;
      const now = [...TOOLS.slice(1, 3), { ...TOOLS[3], inputSchema: schema({}) }, { name: 'update_customer' }];
      const said = [
        'new        update_customer  denied, until you open it: it stands there as a comment',
        'gone       list_customers  still in the policy',
        'changed    delete_customer  id gone',
        `${file}: 1 new, 1 gone, 1 changed`,
      ];
      const check = await folder.run('scan', '-o', file, '--update', '--check', '--', ...serving(now));
      expect(check).toEqual({ status: 5, out: `${said.join('\n')}\n`, err: '' });
      expect(readFileSync(file, 'utf8')).toBe(before);
      const update = await folder.run('scan', '-o', file, '--update', '--', ...serving(now));
      expect(update).toEqual({ status: 5, out: `${said.join('\n')}; written\n`, err: '' });
      expect(readFileSync(file, 'utf8')).toContain('  # update_customer:\n');
      expect(statSync(file).mode).toBe(mode);
    },
    LONG,
  );

  test(
    'a policy with an error is left as it is',
    async () => {
      using folder = openFolder();
      const file = folder.write('policy.yaml', 'version: "1"\ndefualt: deny\n');
      const { err, status } = await folder.run('scan', '-o', file, '--update', '--', 'no-such-command');
      expect(status).toBe(3);
      expect(err).toContain('unknown key "defualt"');
      expect(err).toContain('is no valid policy, and was left as it is');
    },
    LONG,
  );
});

test(
  'a remote server, by its URL, of which no query is written',
  async () => {
    await using upstream = await startUpstream(async ({ body }, response) => {
      const { id, method } = body === '' ? { id: undefined, method: '' } : JSON.parse(body);
      if (id === undefined) return void response.writeHead(method === '' ? 405 : 202).end();
      const result =
        method === 'initialize'
          ? { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: '', version: '' } }
          : { tools: TOOLS };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
    using folder = openFolder();
    const { out } = await folder.run('scan', '--upstream', `${upstream.url}?key=hunter2-hunter2`);
    expect(out).toStartWith(`# Policy "scaffold" for ${new URL(upstream.url).host}/`);
    expect(out).not.toContain('hunter2');
  },
  LONG,
);

test(
  'a server that asks for a login',
  async () => {
    await using upstream = await startUpstream(async (_, response) => void response.writeHead(401).end());
    using folder = openFolder();
    const { err, status } = await folder.run('scan', '--upstream', upstream.url);
    expect(err).toContain('asks for authorization (401)');
    expect(status).toBe(1);
  },
  LONG,
);

test.each([
  [['scan'], 'no server to scan'],
  [['scan', 'npx', '-y', 'x'], 'a server\'s command stands after "--"'],
  [['scan', '--upstream', 'http://127.0.0.1:9/mcp', '--', 'x'], 'name two servers'],
  [['scan', '--update', '--', 'x'], '--update is about a file'],
  [['scan', '--force', '--', 'x'], '--force is about a file'],
  [['scan', '-o', 'f', '--force', '--update', '--', 'x'], '--force writes the file anew'],
  [['scan', '-o', 'f', '--check', '--', 'x'], '--check says what --update would change'],
  [['scan', '--policy', '--json', '--', 'x'], '--policy and --json print two things'],
  [['scan', '-o', 'f', '--policy', '--', 'x'], '-o writes the policy to a file'],
  [['scan', '--preset', 'strikt', '--', 'x'], 'did you mean "strict"?'],
])('%j is wrong usage', async (argv, expected) => {
  using folder = openFolder();
  const { err, status } = await folder.run(...argv);
  expect(err).toContain(expected);
  expect(status).toBe(2);
});
