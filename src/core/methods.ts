import { foldName, matchesName, type NamePattern } from './names.ts';
import type { MethodRule, Policy } from './policy.ts';

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

/** Whether MCP defines this method; notifications are matched by their prefix. */
export function isKnownMethod(method: string): boolean {
  return KNOWN_METHODS.has(method) || method.startsWith('notifications/');
}

/** What keeps a session alive and what the policy decides elsewhere: only an exact key of `methods` reaches these. */
const LIFE_CYCLE = /^(initialize|ping|server\/discover|tools\/list|tools\/call|notifications\/.*)$/;

/**
 * Whether a method may pass in either direction (policy.md §2 `methods`; tool calls are judged by `plan`). An exact
 * key decides before a glob, a longer glob before a shorter one, and deny between equals.
 */
export function isMethodAllowed(policy: Policy, method: string): boolean {
  if (resemblesToolMethod(method)) return false;
  const rule = methodRule(policy, method);
  if (rule) return rule.verdict === 'allow';
  return policy.default === 'allow' || isKnownMethod(method);
}

const KNOWN_NOTIFICATIONS: readonly string[] = [
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
];

/** What a key of `methods` matches without deciding it, where it can decide nothing else. Undefined where it can. */
export function undecidedBy(pattern: NamePattern): readonly string[] | undefined {
  if (pattern.text.startsWith('notifications/') || resemblesToolMethod(pattern.text)) return [pattern.text];
  if (pattern.kind === 'exact') return undefined;
  const matched = [...KNOWN_METHODS, ...KNOWN_NOTIFICATIONS].filter((method) => matchesName(pattern, method));
  return matched.length > 0 && matched.every((method) => LIFE_CYCLE.test(method)) ? matched : undefined;
}

/** SECURITY: a server that compares methods loosely would run `Tools/Call` as a call that nobody judged. */
function resemblesToolMethod(method: string): boolean {
  if (KNOWN_METHODS.has(method)) return false;
  // A reader in C stops at NUL; others drop what they cannot show.
  const folded = foldName((method.split('\0')[0] ?? '').replace(/\p{Cc}/gu, ''));
  return folded === 'tools/call' || folded === 'tools/list';
}

function methodRule(policy: Policy, method: string): MethodRule | undefined {
  const exact = policy.methods.find((rule) => rule.pattern.kind === 'exact' && rule.pattern.text === method);
  if (exact || LIFE_CYCLE.test(method)) return exact;
  const globs = policy.methods.filter((rule) => matchesName(rule.pattern, method));
  const longest = Math.max(...globs.map((rule) => rule.pattern.text.length));
  const best = globs.filter((rule) => rule.pattern.text.length === longest);
  return best.find((rule) => rule.verdict === 'deny') ?? best[0];
}

/** Requests that a pause lets through (policy.md §11): they only look. */
export function passesPause(method: string): boolean {
  return (
    method === 'ping' || method === 'initialize' || method === 'server/discover' || (KNOWN_METHODS.has(method) && method.endsWith('/list'))
  );
}
