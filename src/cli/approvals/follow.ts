/** What becomes of approvals, a line for each event, until nobody reads any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalEvent, Approvals } from '../../core/approval.ts';
import { renderApprovalEvent } from '../../core/approval-json.ts';
import { shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';

const LOOK = 500;
const PAGE = 500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What waits already comes first, as it was requested; then what happens. */
export async function followEvents(approvals: Approvals, json: boolean, terminal: Terminal): Promise<void> {
  const left = new AbortController();
  const leave = () => left.abort();
  for (const signal of SIGNALS) process.once(signal, leave);
  const print = (event: ApprovalEvent) => terminal.out(json ? renderApprovalEvent(event) : renderLine(event));
  const complain = openComplaint(terminal);
  let last = 0;
  const take = (event: ApprovalEvent) => {
    print(event);
    last = event.sequence;
  };
  try {
    const { waiting, newest } = await readWaiting(approvals);
    last = newest;
    for (const event of waiting) print(event);
    while (!left.signal.aborted && terminal.isRead()) {
      await readEvents(approvals, last, take).then(() => complain(undefined), complain);
      await sleep(LOOK, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, leave);
  }
}

/** The requests of what is still pending, and the number of the newest event that was looked at. */
async function readWaiting(approvals: Approvals): Promise<{ readonly waiting: readonly ApprovalEvent[]; readonly newest: number }> {
  const requested = new Map<string, ApprovalEvent>();
  let newest = 0;
  await readEvents(approvals, 0, (event) => {
    newest = event.sequence;
    if (event.type === 'approval.requested') requested.set(event.approval.id, event);
    else requested.delete(event.approval.id);
  });
  const pending = new Set((await approvals.list({ state: 'pending' })).map(({ id }) => id));
  return { waiting: [...requested.values()].filter(({ approval }) => pending.has(approval.id)), newest };
}

/** Says once that the store cannot be read; it is asked again, from the same event on. */
function openComplaint({ err }: Terminal): (error: unknown) => void {
  let failing = false;
  return (error) => {
    if (error !== undefined && !failing) err(`intercept: ${error instanceof Error ? error.message : String(error)}`);
    failing = error !== undefined;
  };
}

/** Hands on all events after this number. */
async function readEvents(approvals: Approvals, after: number, take: (event: ApprovalEvent) => void): Promise<void> {
  let last = after;
  for (let page = await approvals.events(last, PAGE); page.length > 0; page = await approvals.events(last, PAGE)) {
    page.forEach(take);
    last = page.at(-1)?.sequence ?? last;
  }
}

function renderLine({ type, at, approval }: ApprovalEvent): string {
  const { id, tool, rule, decidedBy, reason, args } = approval;
  const by = decidedBy === undefined ? '' : ` by=${JSON.stringify(shown(decidedBy))}`;
  const why = reason === undefined || reason === '' ? '' : ` reason=${JSON.stringify(shown(reason))}`;
  return `${new Date(at).toISOString()} ${type} ${id} tool=${shown(tool)} rule=${JSON.stringify(shown(rule))}${by}${why} args=${shown(args)}`;
}
