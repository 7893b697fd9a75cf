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
  const requested = new Map<string, ApprovalEvent>();
  const keep = (event: ApprovalEvent) => {
    if (event.type === 'approval.requested') requested.set(event.approval.id, event);
    else requested.delete(event.approval.id);
  };
  try {
    let last = await readEvents(approvals, 0, keep);
    const waiting = new Set((await approvals.list({ state: 'pending' })).map(({ id }) => id));
    for (const [id, event] of requested) if (waiting.has(id)) print(event);
    while (!left.signal.aborted && terminal.isRead()) {
      last = await readEvents(approvals, last, print);
      await sleep(LOOK, undefined, { signal: left.signal }).catch(() => undefined);
    }
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, leave);
  }
}

/** Hands on all events after this number, and answers with the last one's. */
async function readEvents(approvals: Approvals, after: number, take: (event: ApprovalEvent) => void): Promise<number> {
  let last = after;
  for (let page = await approvals.events(last, PAGE); page.length > 0; page = await approvals.events(last, PAGE)) {
    page.forEach(take);
    last = page.at(-1)?.sequence ?? last;
  }
  return last;
}

function renderLine({ type, at, approval }: ApprovalEvent): string {
  const { id, tool, rule, decidedBy, reason, args } = approval;
  const by = decidedBy === undefined ? '' : ` by=${JSON.stringify(shown(decidedBy))}`;
  const why = reason === undefined || reason === '' ? '' : ` reason=${JSON.stringify(shown(reason))}`;
  return `${new Date(at).toISOString()} ${type} ${id} tool=${shown(tool)} rule=${JSON.stringify(shown(rule))}${by}${why} args=${shown(args)}`;
}
