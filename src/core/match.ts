/** Matches the name of a tool or of a method with a policy, before a single argument is read (policy.md §2, §5.2–3). */
import { foldName, matchesFolded, matchesName, type NamePattern } from './names.ts';
import type { MethodRule, Policy, ToolEntry } from './policy.ts';

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

/** True where `tools/list` shows the tool: neither hidden nor, under `default: deny`, unlisted (wire.md §3). */
export function isVisible(policy: Policy, match: ToolMatch): boolean {
  if (policy.mode === 'shadow') return true;
  if (match.hidden) return false;
  return match.listed || policy.default === 'allow' || policy.unlisted === 'show';
}

/** The methods of every MCP revision but `tools/*` (wire.md §1). Under `default: deny` no other method passes. */
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'resources/directory/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
  'tasks/get',
  'tasks/update',
  'tasks/result',
  'tasks/list',
  'tasks/cancel',
  'sampling/createMessage',
  'elicitation/create',
  'roots/list',
]);

/** The notifications of every MCP revision. They pass whatever `methods` say; others fall under it. */
const KNOWN_NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/prompts/list_changed',
  'notifications/tools/list_changed',
  'notifications/roots/list_changed',
  'notifications/tasks/status',
  'notifications/elicitation/complete',
  'notifications/subscriptions/acknowledged',
  'notifications/tasks',
]);

/** Answers whether the protocol defines this notification. */
export function isKnownNotification(method: string): boolean {
  return KNOWN_NOTIFICATIONS.has(method);
}

/** These keep a session alive or are decided elsewhere in the policy: only an exact key of `methods` reaches them. */
const LIFE_CYCLE = /^(initialize|ping|server\/discover|tools\/list|tools\/call)$/;

/** A method may pass or not, and this of `methods` or of MCP says so. `alike` is the method that it only resembles. */
export interface MethodVerdict {
  readonly isAllowed: boolean;
  readonly by: 'notification' | 'alike' | 'rule' | 'other_tools' | 'known' | 'default';
  readonly rule?: MethodRule | undefined;
  readonly alike?: string;
}

/**
 * Judges a method in either direction (policy.md §2 `methods`; tool calls are judged by `plan`). An exact key decides
 * before a glob, a longer glob before a shorter one, and deny between equals.
 */
export function judgeMethod(policy: Policy, method: string): MethodVerdict {
  if (KNOWN_NOTIFICATIONS.has(method)) return { isAllowed: true, by: 'notification' };
  const alike = resembledMethod(method, policy);
  if (alike !== undefined) return { isAllowed: false, by: 'alike', alike };
  const rule = methodRule(policy, method);
  // SECURITY: what a server makes of another method of tools may be a call; who lets it pass has to mean it.
  if (method.startsWith('tools/') && !KNOWN_METHODS.has(method) && !rule?.pattern.text.startsWith('tools/'))
    return { isAllowed: false, by: 'other_tools' };
  if (rule) return { isAllowed: rule.verdict === 'allow', by: 'rule', rule };
  if (KNOWN_METHODS.has(method)) return { isAllowed: true, by: 'known' };
  return { isAllowed: policy.default === 'allow', by: 'default' };
}

/** True where `judgeMethod` lets it pass. */
export function isMethodAllowed(policy: Policy, method: string): boolean {
  return judgeMethod(policy, method).isAllowed;
}

/** The requests that each capability of a server offers, in all revisions. */
const CAPABILITIES: readonly (readonly [capability: string, methods: readonly string[]])[] = [
  ['tools', ['tools/list', 'tools/call']],
  ['resources', ['resources/list', 'resources/templates/list', 'resources/read', 'resources/subscribe', 'resources/directory/read']],
  ['prompts', ['prompts/list', 'prompts/get']],
  ['completions', ['completion/complete']],
  ['logging', ['logging/setLevel']],
  ['tasks', ['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel', 'tasks/update']],
];

/** Lists the capabilities of a server of which the policy denies every request (policy.md §2). */
export function deniedCapabilities(policy: Policy): readonly string[] {
  if (policy.mode === 'shadow' || policy.methods.length === 0) return [];
  return CAPABILITIES.filter(([, methods]) => !methods.some((method) => isMethodAllowed(policy, method))).map(([name]) => name);
}

/** Lists what a key of `methods` matches without deciding it, where it can decide nothing else. Undefined where it can. */
export function undecidedBy(pattern: NamePattern): readonly string[] | undefined {
  if (pattern.kind === 'exact')
    return KNOWN_NOTIFICATIONS.has(pattern.text) || resembledMethod(pattern.text) !== undefined ? [pattern.text] : undefined;
  const matched = [...KNOWN_METHODS].filter((method) => matchesName(pattern, method));
  return matched.length > 0 && matched.every((method) => LIFE_CYCLE.test(method)) ? matched : undefined;
}

/**
 * The method that a loose reader could take this one for: one of MCP's, or one that the policy names. Undefined where it
 * is one of those itself, or resembles none. SECURITY: such a server would run `Tools/Call` as a call that nobody judged.
 */
export function resembledMethod(method: string, policy?: Policy): string | undefined {
  if (KNOWN_METHODS.has(method) || KNOWN_NOTIFICATIONS.has(method)) return undefined;
  const rules = policy?.methods.filter(({ pattern }) => !matchesName(pattern, method)) ?? [];
  for (const readable of readingsOf(method)) {
    const folded = foldMethod(readable);
    const alike = FOLDED.get(joinWords(folded)) ?? rules.find(({ pattern, verdict }) => isTakenFor(folded, pattern, verdict))?.pattern.text;
    if (alike !== undefined) return alike;
  }
  return undefined;
}

/** A reader in C stops at NUL; others drop it with all else that they cannot show. */
function readingsOf(method: string): readonly string[] {
  const end = method.indexOf('\0');
  return end < 0 ? [method] : [method.slice(0, end), method];
}

/** A glob names what it denies; what a glob allows need not be spelled exactly. */
function isTakenFor(folded: string, pattern: NamePattern, verdict: MethodRule['verdict']): boolean {
  if (pattern.kind === 'exact') return foldMethod(pattern.text) === folded;
  return verdict === 'deny' && matchesFolded({ ...pattern, foldedParts: pattern.foldedParts.map(foldSeparators) }, folded);
}

/** Slashes, what looks like one, and what stands for one where methods become names of functions or paths. */
const SEPARATORS = /(?:[\\/\u2044\u2215\u29f8\uff0f.:_-]|%2f)+/g;
const UNSEEN = /[\p{Cc}\s\ufffd]/gu;

/** Without case, what cannot be seen, and other separators than single slashes. */
function foldMethod(method: string): string {
  if (PLAIN.test(method)) return method;
  return foldSeparators(foldName(method.replace(UNSEEN, ''))).replace(/^\/|\/$/g, '');
}

function foldSeparators(folded: string): string {
  return folded.replace(SEPARATORS, '/');
}

const PLAIN = /^[a-z0-9]+(?:\/[a-z0-9]+)*$/;
const FOLDED: ReadonlyMap<string, string> = new Map(
  [...KNOWN_METHODS, ...KNOWN_NOTIFICATIONS].map((method) => [joinWords(foldMethod(method)), method]),
);

/** `toolsCall`, too, is what servers make of `tools/call` that look for a function of that name. */
function joinWords(folded: string): string {
  return folded.replaceAll('/', '');
}

function methodRule(policy: Policy, method: string): MethodRule | undefined {
  const exact = policy.methods.find((rule) => rule.pattern.kind === 'exact' && rule.pattern.text === method);
  if (exact || LIFE_CYCLE.test(method)) return exact;
  const globs = policy.methods.filter((rule) => matchesName(rule.pattern, method));
  const longest = Math.max(...globs.map((rule) => rule.pattern.text.length));
  const best = globs.filter((rule) => rule.pattern.text.length === longest);
  return best.find((rule) => rule.verdict === 'deny') ?? best[0];
}

/** Answers whether a pause lets a message through (policy.md §11): it keeps the session alive, or only looks. */
export function passesPause(method: string): boolean {
  return PASSES_PAUSE.has(method) || (KNOWN_METHODS.has(method) && method.endsWith('/list'));
}

const PASSES_PAUSE: ReadonlySet<string> = new Set([
  'ping',
  'initialize',
  'server/discover',
  'notifications/initialized',
  'notifications/cancelled',
]);
