/**
 * Steps 1–4 of a decision (policy.md §5): what the names and the arguments alone decide, and what is left for the
 * store. Pure: same policy, call and facts, same plan.
 */
import type { ShadowVerdict } from './audit.ts';
import type { ReasonCode } from './codes.ts';
import type { Call, Denial, Trace } from './decision.ts';
import { createDraft, type Draft } from './draft.ts';
import type { Facts } from './facts.ts';
import type { ToolMatch } from './match.ts';
import type { Rule } from './policy.ts';
import type { Pause, Reservable } from './store.ts';
import { walk } from './walk.ts';

/** `shadow`: what rules in shadow mode would have decided already. */
export type Plan = { readonly shadow: readonly ShadowVerdict[] } & (
  | { readonly kind: 'deny'; readonly denial: Denial }
  | {
      readonly kind: 'store';
      readonly draft: Draft;
      readonly reservable: Omit<Reservable, 'hold' | 'claim'>;
      readonly holds: readonly Rule[];
      readonly idempotencyWindow: number;
    }
);

/** Plans a call. With `trace`, every rule and clause is told as it is walked. */
export function plan(call: Call, facts: Facts, trace?: Trace): Plan {
  const match = facts.match(call.tool);
  const refused = refusedByName(call, match, facts);
  if (refused) return { kind: 'deny', denial: refused, shadow: [] };
  const draft = createDraft();
  const walked = walk(call, match, facts, draft, trace);
  if (walked.denial) return { kind: 'deny', denial: walked.denial, shadow: walked.shadow };
  const { counters, steps, draws } = draft;
  return {
    kind: 'store',
    draft,
    reservable: { counters, steps, draws },
    holds: walked.holds,
    idempotencyWindow: walked.idempotencyWindow,
    shadow: walked.shadow,
  };
}

function refusedByName(call: Call, match: ToolMatch, { policy, pause, catalog }: Facts): Denial | undefined {
  if (pause) return denial('paused', '(paused)', pausedText(pause));
  if (call.ownPath !== undefined) return selfDenial(call.ownPath);
  const exists = catalog?.tools.has(call.tool) ?? false;
  const name = JSON.stringify(call.tool);
  if (match.hidden || (match.looksHidden && !exists)) return denial('hidden', '(hidden)', `Tool ${name} is hidden by policy`);
  if (match.listed) return undefined;
  if (policy.default === 'deny') return denial('default_deny', '(default deny)', `Tool ${name} is not permitted by policy`);
  if (match.looksLike === undefined || exists) return undefined;
  return denial('look_alike', '(look-alike)', `Tool ${name} is not permitted by policy`, `it resembles ${JSON.stringify(match.looksLike)}`);
}

/** Why a message is not forwarded that names, in this text, what is Intercept's own (§5.1). */
export function selfDenial(ownPath: string): Denial {
  const named = ownPath.length > MOST_SHOWN ? `${ownPath.slice(0, MOST_SHOWN)}…` : ownPath;
  return denial('self', '(self)', "Intercept's own files are out of bounds", `it names ${JSON.stringify(named)}`);
}

/** Characters of a text that a reason repeats. */
const MOST_SHOWN = 512;

/** What an agent is told while calls are paused (§11). */
export function pausedText(pause: Pause): string {
  return pause.reason === '' ? 'All tool calls are paused' : `All tool calls are paused: ${pause.reason}`;
}

/** A denial that no later instant changes by itself. */
export function denial(code: ReasonCode, rule: string, message: string, why?: string): Denial {
  return { code, rule, message, why, retryAt: undefined };
}
