/** `intercept idempotency list` and `resolve`: calls that are kept from being sent twice (policy.md §9). */
import { checkApprover } from '../approval/secret.ts';
import { renderClaim } from '../core/approval-json.ts';
import type { ClaimRecord, Resolved } from '../core/claim.ts';
import { CommandError, EXIT } from '../core/fault.ts';
import type { OwnPlaces } from '../run/own-folders.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import { table, WIDE } from './rows.ts';
import { spanOf } from './spans.ts';
import type { Terminal } from './terminal.ts';

export interface IdempotencyOptions extends Pick<OwnPlaces, 'state'> {
  readonly json: boolean;
}

export interface ResolveOptions extends IdempotencyOptions {
  /** A key, or the beginning of one. */
  readonly key: string;
  readonly verdict: 'happened' | 'did_not';
  readonly by: string;
}

/** As much of a key as distinguishes records. */
const KEY = 12;
const ARGS = 60;

/** Lists calls whose outcome is unknown first, then the others. */
export async function listClaims({ state, json }: IdempotencyOptions, terminal: Terminal): Promise<number> {
  const claims = await state.withRecords(({ claims }) => claims.list(json ? {} : { argsLimit: ARGS + 1 }));
  if (json) terminal.out(`[${(claims ?? []).map(renderClaim).join(',\n')}]`);
  else if (!claims) terminal.out(`no state at ${state.name}: no proxy has run with it yet`);
  else if (claims.length === 0) terminal.out('no idempotent calls are kept');
  else
    for (const line of renderClaims(claims, Date.now(), terminal.size()?.columns ?? WIDE, createPaint(terminal.colour))) terminal.out(line);
  return EXIT.done;
}

/** Settles an unknown outcome, once somebody has looked whether the call happened. */
export async function resolveClaim(options: ResolveOptions, terminal: Terminal): Promise<number> {
  const resolved = await options.state.withRecords(async ({ approvals, claims }) => {
    await checkApprover(approvals, terminal.env);
    return claims.resolve(options.key, options.verdict, options.by);
  });
  const claim = expectResolved(resolved ?? { kind: 'unknown' }, options.key);
  if (options.json) terminal.out(renderClaim(claim));
  else {
    const meaning =
      options.verdict === 'happened'
        ? `it happened; a repeat is denied for ${spanOf(claim.until - Date.now())}`
        : 'it did not happen; it may be sent again';
    terminal.out(`resolved ${claim.key.slice(0, KEY)}: ${`${shown(claim.tool, 60)} ${shown(claim.args, ARGS)}`.trimEnd()}\n  ${meaning}`);
  }
  return EXIT.done;
}

function expectResolved(resolved: Resolved, key: string): ClaimRecord {
  switch (resolved.kind) {
    case 'resolved':
      return resolved.claim;
    case 'not_unknown':
      throw new CommandError(
        `the call ${key} is ${wordsOf(resolved.claim, Date.now())}: only an unknown outcome can be resolved`,
        EXIT.failed,
        'see "intercept idempotency list" for those whose outcome is unknown',
      );
    case 'ambiguous': {
      const listed = resolved.claims.map((claim) => `  ${claim.key.slice(0, 2 * KEY)}  ${shown(claim.tool, 40)}`);
      throw new CommandError(
        `${JSON.stringify(shown(key, 60))} is the beginning of ${listed.length} keys`,
        EXIT.failed,
        ['write more of it:', ...listed].join('\n'),
      );
    }
    case 'unknown':
      throw new CommandError(
        `there is no idempotent call ${JSON.stringify(shown(key, 60))}`,
        EXIT.failed,
        'see "intercept idempotency list"',
      );
  }
}

/** Those that somebody has to settle come first. */
function renderClaims(claims: readonly ClaimRecord[], now: number, width: number, paint: Paint): readonly string[] {
  const sorted = claims.toSorted((a, b) => Number(b.state === 'unknown') - Number(a.state === 'unknown'));
  const rows = sorted.map((claim) => [
    claim.key.slice(0, KEY),
    claim.tool,
    claim.agent ?? 'agent unknown',
    wordsOf(claim, now),
    claim.args,
  ]);
  return table(rows, width).map((line, index) => (sorted[index]?.state === 'unknown' ? paint('red', line) : line));
}

function wordsOf({ state, until }: ClaimRecord, now: number): string {
  switch (state) {
    case 'in_flight':
      return 'in flight';
    case 'done':
      return `done, kept for ${spanOf(until - now)}`;
    case 'unknown':
      return `outcome unknown, denied for ${spanOf(until - now)}`;
  }
}
