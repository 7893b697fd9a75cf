/** A record as the page shows it: texts of strangers in pieces, times as spans from now. */
import type { ApprovalView, ArgumentRow, RecordState } from '../../console/api.ts';
import { type Approval, type FiredRule, saidBy } from '../../core/approval.ts';
import type { Json } from '../../core/json.ts';
import { type Piece, revealText } from '../../core/reveal.ts';
import { MOST_CHARACTERS, type Rows, rowsOf } from './rows.ts';

const HEAD = 4_096;

/** The whole record. */
export function viewApproval(approval: Approval, now: number, readJson: (text: string) => Json): ApprovalView {
  const { evidence, agent } = approval;
  const args = rowsOfText(approval.args, readJson);
  const meta: Rows = evidence.meta === undefined ? { rows: [], complete: true } : rowsOfText(evidence.meta, readJson);
  const complete = args.complete && meta.complete;
  const tool = revealText(approval.tool);
  const rules: readonly FiredRule[] = evidence.rules.length > 0 ? evidence.rules : [{ rule: approval.rule, message: approval.message }];
  return {
    id: approval.id,
    tool,
    agent: optional(agent),
    credential: optional(evidence.credential),
    upstream: revealText(evidence.upstream),
    policy: optional(evidence.policy),
    revision: evidence.revision,
    client: optional(evidence.client),
    rules: rules.map((fired) => ({ rule: revealText(fired.rule), message: revealText(saidBy(fired)) })),
    overrides: evidence.overrides.map(revealText),
    rows: args.rows,
    meta: meta.rows,
    warnings: warningsOf(tool, [...args.rows, ...meta.rows], complete),
    complete,
    attempts: approval.attempts,
    retries: approval.retries,
    ...stateOf(approval, now),
  };
}

/** Answers what may have changed since the record was shown. */
export function stateOf(approval: Approval, now: number): RecordState {
  const { state, expiresAt, createdAt, decidedAt, decidedBy, reason } = approval;
  return {
    state,
    expiresIn: expiresAt - now,
    // Who decided gave the agent as much time again.
    wholeTime: expiresAt - (state === 'pending' ? createdAt : (decidedAt ?? createdAt)),
    createdAt: new Date(createdAt).toISOString(),
    decided: decidedAt === undefined ? null : { by: decidedBy ?? '', at: new Date(decidedAt).toISOString(), reason: reason ?? '' },
  };
}

/** SECURITY: a huge text is not even read: the page stays quick, and shows its beginning. */
function rowsOfText(args: string, readJson: (text: string) => Json): Rows {
  if (args.length <= MOST_CHARACTERS) return rowsOf(readJson(args));
  const value = revealText(args.slice(0, HEAD));
  return { rows: [{ path: [], type: `the first ${HEAD} of ${args.length} characters`, value, twin: false }], complete: false };
}

export function optional(text: string | undefined): readonly Piece[] | null {
  return text === undefined ? null : revealText(text);
}

function warningsOf(tool: readonly Piece[], rows: readonly ArgumentRow[], complete: boolean): readonly string[] {
  const pieces = [...tool, ...rows.flatMap(({ path, value }) => [...path, ...value])];
  const unseen = pieces.filter((piece) => piece.kind === 'unseen' && !piece.breaks && !piece.text.startsWith(' ')).length;
  const alike = pieces.filter(({ kind }) => kind === 'look_alike').length;
  const twins = rows.filter(({ twin }) => twin).length;
  return [
    ...(complete ? [] : ['The arguments are too large to be shown here in full. They cannot be approved on this page.']),
    ...counted(unseen, 'One character shows nothing by itself.', `${unseen} characters show nothing by themselves.`),
    ...counted(alike, 'One character looks like another letter.', `${alike} characters look like other letters.`),
    ...counted(twins, 'An argument name looks like another.', 'Argument names look alike and are not the same.'),
  ];
}

function counted(number: number, one: string, more: string): readonly string[] {
  return number === 0 ? [] : [`${number === 1 ? one : more} Look for the marks.`];
}
