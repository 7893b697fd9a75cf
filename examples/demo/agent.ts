/** The agent's side of the demo: an ordinary MCP client, which neither knows nor cares whether Intercept is there. */
import { type CallToolResult, Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Decision, DemoCall } from './calls.ts';

/** What became of a call, and why, by its answer alone. */
export interface Outcome {
  readonly decision: Decision;
  readonly reason: string;
}

export interface Agent {
  call(call: DemoCall): Promise<Outcome>;
  close(): Promise<void>;
}

/** What Intercept writes beside the text of a call that it did not let through. */
const DECISION_KEY = 'policylayer.com/decision';

/** Starts a server, or Intercept in front of one, and connects. */
export async function startAgent(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Agent> {
  const [program = '', ...args] = command;
  const transport = new StdioClientTransport({ command: program, args, env: { ...inherited(), ...env }, stderr: 'pipe' });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const client = new Client({ name: 'demo-agent', version: '1.0.0' });
  await client.connect(transport).catch((cause: unknown) => {
    throw new Error(`could not start "${command.join(' ')}":\n${said.trim() || String(cause)}`, { cause });
  });
  return {
    call: async ({ tool, args }) => outcomeIn(await client.callTool({ name: tool, arguments: { ...args } })),
    close: () => client.close(),
  };
}

function outcomeIn(answer: CallToolResult): Outcome {
  const text = answer.content[0]?.type === 'text' ? answer.content[0].text : '';
  const decision = answer._meta?.[DECISION_KEY] as { readonly outcome?: string } | undefined;
  if (decision) return { decision: decision.outcome === 'held' ? 'AWAIT' : 'DENY', reason: reasonIn(text) };
  if (answer.isError) throw new Error(`the server failed: ${text}`);
  return { decision: 'ALLOW', reason: 'Within policy' };
}

/** The policy's own words: without the mark before them, and without what a held call is told to do. */
function reasonIn(text: string): string {
  return text.replace(/^\[INTERCEPT [A-Z ]+\] /, '').replace(/\.? Approval id: .*$/s, '');
}

function inherited(): Record<string, string> {
  return Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
