/** A story's stage: an agent (an MCP client from npm) before Intercept before a server, and a person with a shell. */
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { openFolder, type Ran } from '../../cli/run.ts';
import { type AuditRecord, auditRecords } from '../../harness/audit.ts';
import type { Loose } from '../../harness/message.ts';
import { ROOT } from '../../harness/paths.ts';
import { setUpProxy } from '../../harness/proxy.ts';
import type { Tool } from '../../harness/recorder/config.ts';
import { type Executed, setUpRecorder } from '../../harness/recorder.ts';

export interface Answer {
  readonly outcome: 'ALLOW' | 'DENY' | 'AWAIT' | 'REPLAY';
  readonly text: string;
  /** Of a held call. */
  readonly approval: string;
  readonly decision: Readonly<Record<string, Loose>> | undefined;
  readonly result: Loose;
}

export interface Agent {
  call(tool: string, args?: object): Promise<Answer>;
  tools(): Promise<readonly string[]>;
  /** What Intercept said on stderr so far. */
  stderr(): string;
  close(): Promise<void>;
}

export interface Stage extends AsyncDisposable {
  readonly home: string;
  /** Starts another agent, with an Intercept of its own before it. */
  agent(...flags: readonly string[]): Promise<Agent>;
  /** What a person types: `intercept …`. */
  intercept(...argv: readonly string[]): Promise<Ran>;
  /** Replaces the policy file, as editors do. */
  edit(policy: string): Promise<void>;
  records(): Promise<readonly AuditRecord[]>;
  /** What the server carried out, in order. */
  executed(): Promise<readonly Pick<Executed, 'tool' | 'arguments'>[]>;
}

/** A policy of the users' documents. */
export function seedPolicy(name: string): string {
  return readFileSync(join(ROOT, 'test/policies/seeds', name), 'utf8');
}

/** Before a server that has these tools. */
export async function openStage(policy: string, tools: readonly (string | Tool)[]): Promise<Stage> {
  const recorder = await setUpRecorder({ tools: tools.map((tool) => (typeof tool === 'string' ? { name: tool } : tool)) });
  return stageBefore(policy, recorder.command, {}, recorder.executed, recorder[Symbol.asyncDispose]);
}

/** Before examples/server.ts, the small company with nine tools. */
export async function openCompany(policy: string): Promise<Stage> {
  const recorder = await setUpRecorder();
  const ledger = join(recorder.folder, 'company.jsonl');
  const executed = async () => {
    const text = await readFile(ledger, 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { tool: string; args: unknown })
      .map(({ tool, args }) => ({ tool, arguments: args }));
  };
  const command = [process.execPath, join(ROOT, 'examples/server.ts')];
  return stageBefore(policy, command, { DEMO_LEDGER: ledger }, executed, recorder[Symbol.asyncDispose]);
}

async function stageBefore(
  policy: string,
  server: readonly string[],
  env: Readonly<Record<string, string>>,
  executed: Stage['executed'],
  remove: () => Promise<void>,
): Promise<Stage> {
  const setup = await setUpProxy({ policy, server, env });
  const shell = openFolder(setup.home);
  const agents: Agent[] = [];
  const separator = setup.command.lastIndexOf('--');
  return {
    home: setup.home,
    async agent(...flags) {
      const command = [...setup.command.slice(0, separator), ...flags, ...setup.command.slice(separator)];
      const agent = await startAgent(command, { ...process.env, ...setup.env });
      agents.push(agent);
      return agent;
    },
    intercept: shell.run,
    async edit(text) {
      await writeFile(`${setup.policyFile}.new`, text);
      await rename(`${setup.policyFile}.new`, setup.policyFile);
    },
    records: () => auditRecords(setup.home),
    executed,
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(agents.map((agent) => agent.close()));
      shell[Symbol.dispose]();
      await setup.remove();
      await remove();
    },
  };
}

async function startAgent(command: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<Agent> {
  const [program = '', ...args] = command;
  const defined = Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const transport = new StdioClientTransport({ command: program, args, env: defined, stderr: 'pipe' });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const client = new Client({ name: 'story-agent', version: '1.0.0' });
  await client.connect(transport).catch((cause: unknown) => {
    throw new Error(`Intercept did not start: ${said || String(cause)}`, { cause });
  });
  return {
    call: async (name, args = {}) => answerOf(await client.callTool({ name, arguments: { ...args } })),
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    stderr: () => said,
    close: () => client.close(),
  };
}

const OUTCOMES: Readonly<Record<string, Answer['outcome']>> = { denied: 'DENY', held: 'AWAIT', replayed: 'REPLAY' };

function answerOf(result: Loose): Answer {
  const decision = result._meta?.['policylayer.com/decision'];
  const outcome = decision === undefined ? 'ALLOW' : OUTCOMES[decision.outcome];
  if (!outcome) throw new Error(`an unknown outcome: ${JSON.stringify(decision)}`);
  return { outcome, text: String(result.content?.[0]?.text ?? ''), approval: String(decision?.approval_id), decision, result };
}
