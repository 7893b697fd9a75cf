/** Keys that there are not, by the map they are written in: what they were meant as, and what to write. */
import { inline, inlineText } from './quote.ts';
import type { Meant } from './shape.ts';
import { entriesOf, itemsOf, type Node, textOf } from './tree.ts';

type Names = Readonly<Record<string, string>>;

/** Each key with its other names, which are written without `_` and `-`. */
function byName(names: Names): ReadonlyMap<string, string> {
  return new Map(Object.entries(names).flatMap(([key, others]) => others.split(' ').map((other) => [other, key] as const)));
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[\s_-]+/g, '');
}

/** Answers with the key that has this other name. */
export function otherNames(names: Names): (key: string, value: Node) => Meant | undefined {
  const known = byName(names);
  return (key) => {
    const meant = known.get(plain(key));
    return meant === undefined ? undefined : { key: meant, help: `write "${meant}"` };
  };
}

export const RATE_NAMES = otherNames({ max: 'limit calls requests times n maximum', window: 'unit interval period every time' });
export const STATE_NAMES = otherNames({
  counter: 'name key id',
  window: 'period interval unit reset',
  increment: 'add by step',
  increment_from: 'from amount sum',
});
export const SPEND_NAMES = otherNames({
  per_call: 'call single transaction percalls pertransaction maxpercall',
  hourly: 'hour perhour',
  daily: 'day perday limit max budget total amount',
  weekly: 'week perweek',
  monthly: 'month permonth',
  from: 'field path price argument arg',
});
export const VALIDATE_NAMES = otherNames({ required_args: 'required requiredarguments', schema: 'args arguments input inputschema' });
export const APPROVAL_NAMES: typeof VALIDATE_NAMES = (key, value) => {
  if (/^(?:webhook|url)$/.test(key)) {
    const webhook = value.kind === 'text' ? `{url: ${inlineText(value.text)}}` : inline(value);
    return { key: 'notify', help: `write "notify: {webhook: ${webhook}}"` };
  }
  return APPROVAL_KEYS(key, value);
};
const APPROVAL_KEYS = otherNames({
  default_timeout: 'timeout ttl expires expiry expiresin approvaltimeout wait',
  max_pending: 'max limit pending maxopen',
  dedupe_window: 'dedupe window',
  retries: 'retry attempts maxretries',
});
export const WEBHOOK_NAMES: typeof VALIDATE_NAMES = (key, value) =>
  /^(?:secret|token|key|password|signing_?secret)$/i.test(key)
    ? { key: 'secret_env', help: 'put it into a variable of the environment, and write the name of that: secret_env: HOOK_SECRET' }
    : otherNames({ url: 'uri address endpoint href' })(key, value);

const CONDITION_KEYS = otherNames({
  path: 'field key arg argument name param parameter property attribute variable',
  op: 'operator operation comparator comparison cmp is',
  value: 'values val expected than target',
});

/** `{args.amount: {lte: 500}}` names its path by a key. */
export const CONDITION_NAMES: typeof VALIDATE_NAMES = (key, value) => {
  if (!/^(?:args|state|arguments|params)\b/.test(key)) return CONDITION_KEYS(key, value);
  const [op = { key: 'eq', value }] = entriesOf(value);
  return { key: '*', help: `write {path: ${key}, op: ${op.key}, value: ${inline(op.value)}}` };
};

const ACTIONS = /^(?:deny|allow|require_approval)$/;
const RULE_OTHERS = otherNames({
  on_deny: 'message msg error text denymessage errormessage why',
  name: 'description comment title id label',
  rate_limit: 'limit rate maxcalls throttle',
  arguments: 'args params parameters inputs schema',
  when: 'if match where filter only for',
  conditions: 'unless require requires check checks must',
  action: 'effect type decision do then verdict result kind',
  approval_timeout: 'timeout ttl expires expiresin',
  spend: 'budget spendlimit cost money spending',
  state: 'counter count counters',
  idempotency_window: 'idempotency idempotent dedupe',
  agents: 'users user roles who',
});

/** Keys of a rule. A truth under the name of an action is that action. */
export const RULE_NAMES: typeof VALIDATE_NAMES = (key, value) => {
  const action = key === 'approval' || key === 'approve' || key === 'ask' ? 'require_approval' : key;
  if (ACTIONS.test(action)) return { key: 'action', help: `write "action: ${action}"` };
  if (key === 'shadow' || key === 'dry_run') return { key: 'mode', help: 'write "mode: shadow"' };
  return RULE_OTHERS(key, value);
};

/** Keys of a tool that belong into one of its rules. */
export function entryNames(ruleKeys: ReadonlySet<string>): typeof VALIDATE_NAMES {
  return (key, value) => {
    const meant = ruleKeys.has(key) ? { key, help: '' } : RULE_NAMES(key, value);
    if (!meant) return undefined;
    const rule = meant.key === 'action' && meant.help !== '' ? meant.help.replace(/^write "|"$/g, '') : `${meant.key}: ${inline(value)}`;
    return { key: '*', help: `"${meant.key}" belongs into a rule: write "rules: [{${rule}}]"` };
  };
}

const TOP: Readonly<Record<string, string>> = {
  rules: 'rules stand below their tool: tools: {create_refund: {rules: […]}}; those of every tool below "*"',
  global: 'rules of every tool stand under "tools", below "*"',
  defaults: 'write "default: deny" for tools that are not listed; rules of every tool stand under "tools", below "*"',
  shadow: 'write "mode: shadow"',
  dry_run: 'write "mode: shadow"',
  servers: 'a policy is for one server: name that on the command line, after "--" or with --upstream',
  mcpServers: 'this is a configuration of a client; a policy has "version", "default" and "tools"',
  agents: 'agents are named in a rule: agents: [alice]',
};
const DENYING = /^(?:deny|denied|block|blocked|forbid|forbidden|disallow|denylist|blocklist)$/;
const ASKING = /^(?:require_approval|approval|approve|ask|confirm)$/;

/** Keys of the policy itself: actions and clauses without their tool, and tools that are not indented. */
export function policyNames(ruleKeys: ReadonlySet<string>): typeof VALIDATE_NAMES {
  return (key, value) => {
    const help = Object.hasOwn(TOP, key) ? TOP[key] : undefined;
    if (help !== undefined) return { help };
    if (/^(?:allowed|allow_?list|whitelist|permit)$/.test(key)) return { key: 'allow', help: 'write "allow"' };
    const [first] = itemsOf(value);
    const tool = inlineText(textOf(first) ?? 'delete_all');
    if (DENYING.test(key)) return { help: `hide what nobody may call (hide: [${tool}]), or deny it (tools: {${tool}: [{action: deny}]})` };
    if (ASKING.test(key)) return { help: `write tools: {${tool}: [{action: require_approval}]}` };
    if (ruleKeys.has(key))
      return { help: `"${key}" belongs into a rule of a tool; for every tool: tools: {"*": [{${key}: ${inline(value)}}]}` };
    return isTool(key, value) ? { help: `a tool stands under "tools": indent ${inlineText(key)} below it` } : undefined;
  };
}

function isTool(key: string, value: Node): boolean {
  if (value.kind === 'list') return key.includes('*') || value.items.every(({ kind }) => kind === 'map');
  return value.kind === 'map' && (value.entries.has('rules') || value.entries.size === 0);
}
