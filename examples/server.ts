/**
 * A small company behind nine MCP tools, over stdio, for trying policies on: payments, a database, a code host, mail
 * and a fleet of machines. Nothing leaves this process. What a tool did goes to the file that DEMO_LEDGER names.
 *
 *   bun examples/server.ts        or        node examples/server.ts
 */
import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod/v4';

const SEGMENTS: ReadonlyMap<string, number> = new Map([
  ['all_customers', 400_000],
  ['beta_testers', 120],
]);
const FLEET = ['i-09f3a7c41', 'i-0b77d20e8', 'i-0c1e94f35'];
const TABLES = ['users', 'orders', 'tmp_import', 'tmp_export'];
const CUSTOMERS = [
  { id: 'cus_Ada1815', name: 'Ada Byron', email: 'ada@example.com', balance: 0 },
  { id: 'cus_Grace1906', name: 'Grace Murray', email: 'grace@example.com', balance: -1250 },
  { id: 'cus_Alan1912', name: 'Alan Mathison', email: 'alan@example.com', balance: 0 },
];
const ISSUES = [
  { number: 412, title: 'Refund webhook arrives twice', state: 'open', labels: ['payments'] },
  { number: 409, title: 'Slow query on /orders', state: 'open', labels: ['database'] },
  { number: 398, title: 'Typo in welcome mail', state: 'closed', labels: [] },
];

/** One line of the ledger: a tool that ran, what it was given, and how much of what it changed. */
function record(tool: string, args: unknown, effect: Readonly<Record<string, number>>): void {
  const ledger = process.env.DEMO_LEDGER;
  if (ledger) appendFileSync(ledger, `${JSON.stringify({ tool, args, effect })}\n`);
}

/** A tool's answer, as text that a model reads well. */
function answer(result: unknown) {
  return { content: [{ type: 'text' as const, text: JSON.stringify(result, null, 2) }] };
}

/** A failure that the model can act on. */
function failure(text: string) {
  return { content: [{ type: 'text' as const, text }], isError: true };
}

/** The instances that an id or a pattern such as `i-09f3a*` names. */
function instances(patterns: readonly string[]): string[] {
  const matches = (id: string, pattern: string) => (pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern);
  return FLEET.filter((id) => patterns.some((pattern) => matches(id, pattern)));
}

function addPayments(server: McpServer): void {
  server.registerTool(
    'create_refund',
    {
      description: 'Refund a charge, wholly or in part. The money leaves the account at once and cannot be called back.',
      inputSchema: z.object({
        charge: z.string().describe('The charge to refund, such as ch_3PqX2v'),
        amount: z.int().positive().describe('How much to refund, in cents: 250000 is $2,500.00'),
        reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
      }),
      annotations: { destructiveHint: true, idempotentHint: false },
    },
    async (args) => {
      record('create_refund', args, { refunded_cents: args.amount });
      return answer({ id: `re_${args.charge.slice(3)}`, object: 'refund', ...args, currency: 'usd', status: 'succeeded' });
    },
  );
  server.registerTool(
    'retrieve_balance',
    { description: 'The current balance of the account, in cents.', inputSchema: z.object({}), annotations: { readOnlyHint: true } },
    async (args) => {
      record('retrieve_balance', args, { reads: 1 });
      return answer({
        object: 'balance',
        available: [{ amount: 23_000_000, currency: 'usd' }],
        pending: [{ amount: 184_250, currency: 'usd' }],
      });
    },
  );
  server.registerTool(
    'list_customers',
    {
      description: 'List customers, the newest first.',
      inputSchema: z.object({ limit: z.int().min(1).max(100).default(10), email: z.string().optional().describe('Only this address') }),
      annotations: { readOnlyHint: true },
    },
    async (args) => {
      record('list_customers', args, { reads: 1 });
      return answer({ object: 'list', data: CUSTOMERS.filter((c) => !args.email || c.email === args.email).slice(0, args.limit) });
    },
  );
}

function addCodeHost(server: McpServer): void {
  const repository = { owner: z.string().describe('User or organisation'), repo: z.string().describe('Repository name') };
  server.registerTool(
    'delete_repository',
    {
      description: 'Delete a repository with its history, issues and releases.',
      inputSchema: z.object(repository),
      annotations: { destructiveHint: true },
    },
    async (args) => {
      record('delete_repository', args, { repositories_deleted: 1 });
      return answer({ deleted: `${args.owner}/${args.repo}` });
    },
  );
  server.registerTool(
    'push_files',
    {
      description: 'Commit files to a branch in one push.',
      inputSchema: z.object({
        ...repository,
        branch: z.string(),
        message: z.string().describe('Commit message'),
        files: z.array(z.object({ path: z.string(), content: z.string() })).min(1),
      }),
    },
    async (args) => {
      record('push_files', args, { pushes: 1 });
      return answer({ ref: `refs/heads/${args.branch}`, commit: '7b1f0c9e', files: args.files.length });
    },
  );
  server.registerTool(
    'list_issues',
    {
      description: "List a repository's issues.",
      inputSchema: z.object({ ...repository, state: z.enum(['open', 'closed', 'all']).default('open') }),
      annotations: { readOnlyHint: true },
    },
    async (args) => {
      record('list_issues', args, { reads: 1 });
      return answer(ISSUES.filter((issue) => args.state === 'all' || issue.state === args.state));
    },
  );
}

function addOperations(server: McpServer): void {
  server.registerTool(
    'drop_table',
    {
      description: 'Drop a table of the production database, with all its rows.',
      inputSchema: z.object({ table: z.string().describe(`One of ${TABLES.join(', ')}`), cascade: z.boolean().default(false) }),
      annotations: { destructiveHint: true },
    },
    async (args) => {
      if (!TABLES.includes(args.table)) return failure(`there is no table "${args.table}"`);
      record('drop_table', args, { tables_dropped: 1 });
      return answer({ dropped: args.table });
    },
  );
  server.registerTool(
    'terminate_instances',
    {
      description: 'Terminate virtual machines. Their local disks are lost.',
      inputSchema: z.object({ instance_ids: z.array(z.string()).min(1).describe('Ids, or patterns such as i-09f3a*') }),
      annotations: { destructiveHint: true },
    },
    async (args) => {
      const ended = instances(args.instance_ids);
      record('terminate_instances', args, { instances_terminated: ended.length });
      return answer(ended.map((id) => ({ id, state: 'shutting-down' })));
    },
  );
  server.registerTool(
    'send_email',
    {
      description: 'Send an e-mail to a list of addresses, or to everyone in a segment.',
      inputSchema: z.object({
        to: z.union([z.array(z.string()).min(1), z.string()]).describe(`Addresses, or a segment: ${[...SEGMENTS.keys()].join(', ')}`),
        subject: z.string(),
        body: z.string(),
      }),
      annotations: { destructiveHint: false, openWorldHint: true },
    },
    async (args) => {
      const recipients = typeof args.to === 'string' ? (SEGMENTS.get(args.to) ?? 1) : args.to.length;
      record('send_email', args, { emails_sent: recipients });
      return answer({ queued: recipients, subject: args.subject });
    },
  );
}

serveStdio(() => {
  const server = new McpServer({ name: 'example-company', title: 'Example company', version: '1.0.0' });
  addPayments(server);
  addCodeHost(server);
  addOperations(server);
  return server;
});
