/** What the agent of the demo does: nine calls to a company, three writes to a folder. */
import { join } from 'node:path';

export type Decision = 'ALLOW' | 'DENY' | 'AWAIT';

export interface DemoCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The argument that matters, as a person would say it. */
  readonly brief: string;
  /** What the policy is meant to decide. */
  readonly expected: Decision;
}

const AMOUNT = 250_000;

/** Nine tool calls in nine seconds. */
export const COMPANY_CALLS: readonly DemoCall[] = [
  { tool: 'create_refund', args: { charge: 'ch_3PqX2v', amount: AMOUNT }, brief: dollars(AMOUNT), expected: 'AWAIT' },
  { tool: 'drop_table', args: { table: 'users' }, brief: 'users', expected: 'DENY' },
  { tool: 'delete_repository', args: { owner: 'my-org', repo: 'prod-api' }, brief: 'prod-api', expected: 'DENY' },
  {
    tool: 'send_email',
    args: { to: 'all_customers', subject: 'Test template', body: 'Hello {{first_name}}' },
    brief: 'all_customers',
    expected: 'DENY',
  },
  { tool: 'terminate_instances', args: { instance_ids: ['i-09f3a*'] }, brief: 'i-09f3a*', expected: 'DENY' },
  {
    tool: 'push_files',
    args: { owner: 'my-org', repo: 'api', branch: 'main', message: 'Fix', files: [{ path: 'src/app.ts', content: '' }] },
    brief: 'main',
    expected: 'DENY',
  },
  { tool: 'list_issues', args: { owner: 'my-org', repo: 'api' }, brief: 'my-org/api', expected: 'ALLOW' },
  { tool: 'list_customers', args: {}, brief: '', expected: 'ALLOW' },
  { tool: 'retrieve_balance', args: {}, brief: '', expected: 'ALLOW' },
];

/** Writes inside the writable folder, outside it, and outside it by a detour. */
export function fileCalls(folder: string): readonly DemoCall[] {
  const write = (path: string, expected: Decision): DemoCall => ({
    tool: 'write_file',
    args: { path: `${folder}/${path}`, content: 'written by an agent\n' },
    brief: path,
    expected,
  });
  return [write('drafts/plan.md', 'ALLOW'), write('settings.json', 'DENY'), write('drafts/../settings.json', 'DENY')];
}

/** Where a file call would write. */
export function targetOf(call: DemoCall): string {
  return join(String(call.args.path));
}

/** Cents as dollars: 250000 is $2,500. */
export function dollars(cents: number): string {
  return (cents / 100).toLocaleString('en-US', { style: 'currency', currency: 'USD', trailingZeroDisplay: 'stripIfInteger' });
}
