/** A person's home with the files of many clients, and clients that read them as they do: with parsers of their own. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { BUN, interceptCommand, NODE, ROOT } from '../../harness/paths.ts';

const PACKAGES = join(ROOT, 'node_modules');
const OFFICIAL = join(PACKAGES, '@modelcontextprotocol');

/** Servers that need nothing but themselves, each with a call that only reads. */
export const SERVERS: Readonly<Record<string, { readonly command: readonly string[]; readonly read: readonly [string, object] }>> = {
  everything: { command: [NODE, join(OFFICIAL, 'server-everything/dist/index.js'), 'stdio'], read: ['echo', { message: 'hi' }] },
  memory: { command: [NODE, join(OFFICIAL, 'server-memory/dist/index.js')], read: ['read_graph', {}] },
  files: { command: [NODE, join(OFFICIAL, 'server-filesystem/dist/index.js'), '/tmp'], read: ['list_allowed_directories', {}] },
  thinking: {
    command: [NODE, join(OFFICIAL, 'server-sequential-thinking/dist/index.js')],
    read: ['sequentialthinking', { thought: 'x', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false }],
  },
  'memory 2024': { command: [NODE, join(PACKAGES, 'server-memory-2024/dist/index.js')], read: ['read_graph', {}] },
  'everything-2024': { command: [NODE, join(PACKAGES, 'server-everything-2024/dist/index.js')], read: ['echo', { message: 'hi' }] },
  'sdk-1.12': { command: [BUN, join(ROOT, 'test/fixtures/servers/sdk-1.12.ts')], read: ['echo', { text: 'hi' }] },
  'sdk-1.20': { command: [BUN, join(ROOT, 'test/fixtures/servers/sdk-1.20.ts')], read: ['echo', { text: 'hi' }] },
};

/** One entry, as a client starts it. */
export interface Started {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One client: its file, how it writes a server, and how it reads its file. */
export interface FixtureClient {
  readonly file: string;
  write(servers: readonly string[]): string;
  read(text: string): readonly Started[];
}

interface Written {
  readonly command?: unknown;
  readonly cmd?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly envs?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const commandOf = (server: string): readonly string[] => SERVERS[server]?.command ?? [];
const json = (value: unknown) => JSON.stringify(value);

function startedOf(name: string, { command, cmd, args = [], env, envs, environment }: Written): Started {
  const [program = '', ...more] = Array.isArray(command) ? (command as string[]) : [String(command ?? cmd)];
  return { name, command: program, args: [...more, ...args], env: env ?? envs ?? environment ?? {} };
}

function all(servers: object): readonly Started[] {
  return Object.entries(servers as Record<string, Written>).map(([name, entry]) => startedOf(name, entry));
}

const entry = (server: string, more = '') => {
  const [command, ...args] = commandOf(server);
  return `${json(server)}: {${more}"command": ${json(command)}, "args": ${json(args)}, "env": {"FIXTURE_TOKEN": "token-of-the-fixture"}}`;
};

/** Clients of every format, each written in the odd ways that people write them. */
export const CLIENTS: Readonly<Record<string, FixtureClient>> = {
  'claude-code': {
    file: '.claude.json',
    write: (servers) =>
      `{\n  "numStartups": 12,\n  "mcpServers": {\n${servers.map((each) => `    ${entry(each, '"type": "stdio", ')}`).join(',\n')}\n  },\n  "projects": {}\n}`,
    read: (text) => all(JSON.parse(text).mcpServers),
  },
  cursor: {
    file: '.cursor/mcp.json',
    write: (servers) => `{"mcpServers":{${servers.map((each) => entry(each)).join(',')}}}`,
    read: (text) => all(JSON.parse(text).mcpServers),
  },
  vscode: {
    file: '.config/Code/User/mcp.json',
    write: (servers) =>
      `\ufeff{\r\n\t// mine\r\n\t"servers": {\r\n${servers.map((each) => `\t\t${entry(each, '/* local */ "type": "stdio", ')},\r\n`).join('')}\t},\r\n\t"inputs": [],\r\n}\r\n`,
    read: (text) => all((Bun.JSONC.parse(text.replace(/^\ufeff/, '')) as { servers: object }).servers),
  },
  zed: {
    file: '.config/zed/settings.json',
    write: (servers) =>
      `// settings\n{\n  "theme": "One", // dark\n  "context_servers": {\n${servers.map((each) => `    ${entry(each)},\n`).join('')}  },\n}\n`,
    read: (text) => all((Bun.JSONC.parse(text) as { context_servers: object }).context_servers),
  },
  opencode: {
    file: '.config/opencode/opencode.jsonc',
    write: (servers) =>
      `{\n  "mcp": {\n${servers.map((each) => `    ${json(each)}: { "type": "local", "command": ${json(commandOf(each))}, "enabled": true }`).join(',\n')}\n  }\n}\n`,
    read: (text) => all((Bun.JSONC.parse(text) as { mcp: object }).mcp),
  },
  'gemini-cli': {
    file: '.gemini/settings.json',
    write: (servers) => `{\n  "mcpServers": {\n${servers.map((each) => `    ${entry(each, '"timeout": 30000, ')}`).join(',\n')}\n  }\n}\n`,
    read: (text) => all((Bun.JSONC.parse(text) as { mcpServers: object }).mcpServers),
  },
  codex: {
    file: '.codex/config.toml',
    write: (servers) =>
      `model = "gpt" # keep\n${servers
        .map((each) => {
          const [command, ...args] = commandOf(each);
          return `\n[mcp_servers.${json(each)}]\ncommand = ${json(command)} # the program\nargs = [\n  ${args.map(json).join(',\n  ')}, # its words\n]\nstartup_timeout_sec = 30\n`;
        })
        .join('')}`,
    read: (text) => all((Bun.TOML.parse(text) as { mcp_servers: object }).mcp_servers),
  },
  goose: {
    file: '.config/goose/config.yaml',
    write: (servers) =>
      `GOOSE_PROVIDER: x # mine\nextensions:\n${servers
        .map((each) => {
          const [command, ...args] = commandOf(each);
          return `  ${json(each)}:\n    type: stdio\n    enabled: true\n    cmd: ${command}\n    args:\n${args.map((arg) => `      - ${json(arg)}\n`).join('')}    timeout: 300\n`;
        })
        .join('')}`,
    read: (text) => all((Bun.YAML.parse(text) as { extensions: object }).extensions),
  },
  continue: {
    file: '.continue/config.yaml',
    write: (servers) =>
      `name: mine\nversion: 1.0.0\nschema: v1\nmcpServers:\n${servers
        .map((each) => {
          const [command, ...args] = commandOf(each);
          return `  - name: ${json(each)}\n    command: ${command} # program\n    args: ${json(args)}\n`;
        })
        .join('')}`,
    read: (text) =>
      (Bun.YAML.parse(text) as { mcpServers: readonly (Written & { name: string })[] }).mcpServers.map((each) =>
        startedOf(each.name, each),
      ),
  },
};

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface FixtureHome extends Disposable {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  put(file: string, text: string): string;
  text(file: string): string;
  /** The files of clients, by name, as they stand. */
  files(): ReadonlyMap<string, string>;
  /** Runs `intercept` as this person, in their home or a folder of it. */
  run(
    args: readonly string[],
    more?: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>>; readonly command?: readonly string[] },
  ): Promise<Ran>;
}

/** A home of its own. Use with `using`. */
export function openHome(): FixtureHome {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'intercept-home-')));
  const env = { HOME: path, PATH: process.env.PATH ?? '', BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0' };
  const known = new Set<string>();
  return {
    path,
    env,
    put(file, text) {
      known.add(file);
      const whole = join(path, file);
      mkdirSync(dirname(whole), { recursive: true });
      writeFileSync(whole, text);
      return whole;
    },
    text: (file) => readFileSync(join(path, file), 'utf8'),
    files: () => new Map([...known].map((file) => [file, readFileSync(join(path, file), 'utf8')])),
    run(args, { cwd = path, env: more = {}, command = interceptCommand() } = {}) {
      const [program = '', ...before] = command;
      const child = spawn(program, [...before, ...args], { cwd, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
      const pieces = { out: '', err: '' };
      child.stdout.on('data', (chunk: Buffer) => (pieces.out += chunk.toString('utf8')));
      child.stderr.on('data', (chunk: Buffer) => (pieces.err += chunk.toString('utf8')));
      return new Promise((resolve) => child.on('close', (status) => resolve({ status, ...pieces })));
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Starts an entry exactly as it is written, and speaks with it by the SDK. */
export async function connect({ command, args, env }: Started, home: FixtureHome): Promise<Client> {
  const client = new Client({ name: 'fixture', version: '1' });
  const transport = new StdioClientTransport({ command, args: [...args], env: { ...home.env, ...env }, cwd: home.path, stderr: 'ignore' });
  await client.connect(transport);
  return client;
}

const SCHEMA: { readonly $id: string } = JSON.parse(readFileSync(join(ROOT, 'schema/output.schema.json'), 'utf8'));

/** Reads output that has to be as schema/output.schema.json says. */
export function readOutput(
  name: string,
  out: string,
): Readonly<Record<string, unknown>> & { readonly servers: readonly Readonly<Record<string, unknown>>[] } {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, formats: { 'date-time': true } });
  ajv.addSchema(SCHEMA);
  const validate = ajv.compile({ $ref: `${SCHEMA.$id}#/$defs/${name}` });
  const value = JSON.parse(out);
  validate(value);
  if (validate.errors) throw new Error(`${name}: ${ajv.errorsText(validate.errors)}: ${out}`);
  return value;
}
