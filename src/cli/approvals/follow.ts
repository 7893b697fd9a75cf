/** What becomes of approvals, a line for each event, until nobody reads any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApprovalEvent, Approvals } from '../../core/approval.ts';
import { renderApprovalEvent } from '../../core/approval-json.ts';
import { shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';

const LOOK = 500;
const PAGE = 100;
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
    last = await approvals.newest();
    await readWaiting(approvals, last, print);
    while (!left.signal.aborted && terminal.isRead()) {
      await readEvents(approvals, last, take).then(() => complain(undefined), complain);
      await sleep(LOOK, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, leave);
  }
}

/** Hands on the requests of what is still pending, up to the event with this number: one at a time, for each may be large. */
async function readWaiting(approvals: Approvals, newest: number, take: (event: ApprovalEvent) => void): Promise<void> {
  const pending = new Set((await approvals.list({ state: 'pending', argsLimit: 0 })).map(({ id }) => id));
  await readEvents(approvals, 0, (event) => {
    if (event.sequence <= newest && event.type === 'approval.requested' && pending.has(event.approval.id)) take(event);
  });
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
