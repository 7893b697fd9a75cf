/** Rows of `intercept log`: a word, a name, and what belongs to them, by type of record (cli.md §1). */
import type { SelectedLine } from '../audit/evidence/select.ts';
import { agentOf, CALL_ROWS, type LogRow, nameOf, type RowRender, textIn } from './log-call.ts';
import { type Colour, shown } from './paint.ts';

/** The row of a record; undefined where others say the same, or where there is nothing to say. */
export function rowOf(line: SelectedLine): LogRow | undefined {
  const { type } = line.record;
  if (SILENT.has(type)) return undefined;
  const render = Object.hasOwn(ROWS, type) ? ROWS[type] : undefined;
  return render ? render(line) : { word: shown(type, 40), colour: 'dim', name: nameOf(line.tool), details: [agentOf(line)] };
}

/** A held call has a record of its own, and so has the call that used its approval. */
const SILENT: ReadonlySet<string> = new Set(['heartbeat', 'approval_requested', 'approval_reused', 'approval_consumed']);

const ROWS: Readonly<Record<string, RowRender>> = {
  ...CALL_ROWS,
  refused: (line) => {
    const { reason, message } = line.record;
    return { word: 'refused', colour: 'red', name: nameOf(reason), details: [agentOf(line), textIn(message)] };
  },
  startup: ({ record }) => {
    const pid = typeof record.pid === 'number' ? `pid ${record.pid}` : undefined;
    const [listens, page] = [textIn(record.listens), textIn(record.page)];
    return {
      word: 'started',
      colour: 'dim',
      name: policyOf(record.policy),
      details: [
        record.mode === 'shadow' ? 'in shadow mode' : undefined,
        pid,
        listens && `on ${listens}`,
        page && `page ${page}`,
        textIn(record.upstream),
      ],
    };
  },
  shutdown: ({ record }) => ({
    word: 'ended',
    colour: 'dim',
    name: policyOf(record.policy),
    details: [`status ${shown(String(record.status))}`],
  }),
  config_reload: ({ record }) => {
    const name = policyOf(record.policy);
    if (record.accepted === true)
      return { word: 'reloaded', colour: 'cyan', name, details: [`revision ${shown(String(record.revision), 20)}`] };
    return { word: 'reload', colour: 'red', name, details: [`not taken: ${textIn(record.why) ?? 'no reason was given'}`] };
  },
  approval_approved: (line) => decided(line, 'approved', 'green'),
  approval_denied: (line) => decided(line, 'denied', 'red'),
  approval_expired: (line) => decided(line, 'expired', 'dim'),
  webhook_failed: ({ record }) => ({
    word: 'webhook',
    colour: 'yellow',
    name: nameOf(record.event),
    details: [textIn(record.webhook), textIn(record.approval), textIn(record.why), record.given_up === true ? 'given up' : undefined],
  }),
  paused: (line) => switched(line, 'paused', 'red'),
  resumed: (line) => switched(line, 'resumed', 'green'),
};

function decided(line: SelectedLine, word: string, colour: Colour): LogRow {
  const { by, via, reason, approval } = line.record;
  const who = by === undefined ? undefined : `by ${shown(String(by), 60)}${typeof via === 'string' ? ` (${shown(via, 20)})` : ''}`;
  return { word, colour, name: nameOf(line.tool), details: [agentOf(line), who, textIn(approval), textIn(reason)] };
}

/** The command names its scope; a proxy that saw the switch names its policy. */
function switched({ record }: SelectedLine, word: string, colour: Colour): LogRow {
  const { scope, policy, by, reason } = record;
  const name = scope === undefined ? policyOf(policy) : scope === null ? 'all policies' : nameOf(scope);
  return { word, colour, name, details: [by === undefined ? undefined : `by ${shown(String(by), 60)}`, textIn(reason)] };
}

function policyOf(policy: unknown): string {
  return nameOf(policy) || '(no name)';
}
