/** Writes what a webhook is sent: `{type, timestamp, data}`, the record in `data`. */
import type { Approval, ApprovalEvent } from '../core/approval.ts';
import { renderApproval } from '../core/approval-json.ts';

export interface BodyOptions {
  /** The admin server's address, where it runs: its pages and paths need a token, so the URL holds the id only. */
  readonly origin: string | undefined;
  /** The arguments' JSON text, and how many parts of it are masked and cut; undefined where none of it may leave. */
  readonly renderArgs: (args: string) => SentArgs | undefined;
}

export interface SentArgs {
  readonly text: string;
  readonly masked: number;
  readonly cut: number;
}

/** One JSON text. */
export function webhookBody({ type, at, approval }: ApprovalEvent, { origin, renderArgs }: BodyOptions): string {
  const args = renderArgs(approval.args);
  const { meta } = approval.evidence;
  const shownMeta = meta === undefined ? undefined : renderArgs(meta);
  // What may not leave is null, as if there were none; `hidden` says so.
  const record = renderApproval(approval, args?.text, meta === undefined ? undefined : (shownMeta?.text ?? 'null'));
  const parts = meta === undefined ? [args] : [args, shownMeta];
  return `{"type":"${type}","timestamp":"${new Date(at).toISOString()}","data":${record}${hiddenPart(parts)}${linksOf(approval, origin, parts.every(isWhole))}}`;
}

function isWhole(args: SentArgs | undefined): boolean {
  return args !== undefined && args.masked + args.cut === 0;
}

function hiddenPart(parts: readonly (SentArgs | undefined)[]): string {
  if (parts.every(isWhole)) return '';
  const sent = parts.filter((part) => part !== undefined);
  if (sent.length < parts.length) return ',"hidden":{"all":true}';
  const sum = (count: (part: SentArgs) => number) => sent.reduce((all, part) => all + count(part), 0);
  return `,"hidden":${JSON.stringify({ masked: sum(({ masked }) => masked), cut: sum(({ cut }) => cut) })}`;
}

function linksOf({ id, state }: Approval, origin: string | undefined, whole: boolean): string {
  if (origin === undefined || state !== 'pending') return '';
  const page = `${origin}/approvals/${id}`;
  // SECURITY: INVARIANT I12: nobody decides where part of the call is hidden. The page shows all of it.
  const urls = whole ? { page, approve: `${origin}/v1/approvals/${id}/approve`, deny: `${origin}/v1/approvals/${id}/deny` } : { page };
  return `,"urls":${JSON.stringify(urls)}`;
}
