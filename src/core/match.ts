/** What a policy says of a name before it looks at a single argument (policy.md §2, §5.2–3). */
import { foldName, matchesFolded, matchesName } from './names.ts';
import type { Policy, ToolEntry } from './policy.ts';

/** `entries` in the order they are walked: the exact key, globs in file order, `"*"`. */
export interface ToolMatch {
  readonly entries: readonly ToolEntry[];
  readonly listed: boolean;
  readonly hidden: boolean;
  /** The folded name is hidden; decides unless the server has a tool of exactly this name. */
  readonly looksHidden: boolean;
  /** The key that the name only resembles, where it is not listed itself; likewise. */
  readonly looksLike: string | undefined;
}

export type ToolMatcher = (name: string) => ToolMatch;

const REMEMBERED_NAMES = 2048;

/** Answers for names, remembering the last few, so that ten thousand keys cost a call no more than ten. */
export function createMatcher(policy: Policy): ToolMatcher {
  const known = new Map<string, ToolMatch>();
  return (name) => {
    const found = known.get(name);
    if (found) return found;
    if (known.size >= REMEMBERED_NAMES) known.clear();
    const match = matchTool(policy, name);
    known.set(name, match);
    return match;
  };
}

function matchTool(policy: Policy, name: string): ToolMatch {
  const exact = policy.exact.get(name);
  const listing = [...(exact ? [exact] : []), ...policy.globs.filter((entry) => matchesName(entry.pattern, name))];
  const folded = foldName(name);
  const hidden = policy.hide.some((pattern) => matchesName(pattern, name));
  return {
    entries: policy.everyTool ? [...listing, policy.everyTool] : listing,
    listed: listing.length > 0,
    hidden,
    looksHidden: hidden || policy.hide.some((pattern) => matchesFolded(pattern, folded)),
    looksLike: listing.length > 0 ? undefined : resembled(policy, folded)?.key,
  };
}

function resembled(policy: Policy, folded: string): ToolEntry | undefined {
  for (const entry of policy.exact.values()) if (matchesFolded(entry.pattern, folded)) return entry;
  return policy.globs.find((entry) => matchesFolded(entry.pattern, folded));
}

/** Whether `tools/list` shows the tool: neither hidden nor, under `default: deny`, unlisted (wire.md §3). */
export function isVisible(policy: Policy, match: ToolMatch): boolean {
  if (policy.mode === 'shadow') return true;
  if (match.hidden) return false;
  return match.listed || policy.default === 'allow' || policy.unlisted === 'show';
}
