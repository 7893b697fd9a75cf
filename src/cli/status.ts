/** `intercept status`: what runs, what was decided, what is counted and what waits (cli.md §1). */
import { renderApproval } from '../core/approval-json.ts';
import { EXIT } from '../core/fault.ts';
import { createPaint } from './paint.ts';
import { openHistory, readStatus, type Status, type StatusSource } from './status-reading.ts';
import { renderStatus } from './status-text.ts';
import type { Terminal } from './terminal.ts';
import { watchScreen } from './watch-screen.ts';

export interface StatusOptions extends StatusSource {
  readonly json: boolean;
  readonly watch: boolean;
}

/** Prints the status, once or each second. */
export async function showStatus(options: StatusOptions, terminal: Terminal): Promise<number> {
  const paint = createPaint(terminal.colour);
  const history = openHistory(options);
  const draw = async () => renderStatus(await readStatus(options, history), paint);
  if (options.json) terminal.out(renderJson(await readStatus(options)));
  else if (options.watch && terminal.isTty) await watchScreen(draw, terminal);
  else for (const line of await draw()) terminal.out(line);
  return EXIT.done;
}

/** Records as all other commands print them, but without arguments: `approvals show` has those. */
function renderJson(status: Status): string {
  const policies = status.policies.map((policy) => ({
    ...policy,
    pending: policy.pending.map((record) => JSON.parse(renderApproval(record, undefined))),
  }));
  const unknown = status.unknown.map(({ key, tool, agent, until }) => ({
    key,
    tool,
    agent: agent ?? null,
    until: new Date(until).toISOString(),
  }));
  return JSON.stringify({ ...status, policies, unknown }, null, 2);
}
