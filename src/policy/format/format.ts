/**
 * The policy format (policy.md §2, §3): keys, types of values, documentation. The checker and the published JSON Schema
 * are both made of this; what it does not name is an error.
 */
import {
  adviseApprovals,
  adviseArguments,
  adviseConditions,
  adviseEntry,
  adviseRule,
  adviseRules,
  adviseState,
  adviseTools,
} from './advice-entries.ts';
import {
  APPROVAL_NAMES,
  entryNames,
  policyNames,
  RATE_NAMES,
  RULE_NAMES,
  SPEND_NAMES,
  STATE_NAMES,
  VALIDATE_NAMES,
  WEBHOOK_NAMES,
} from './advice-keys.ts';
import {
  adviseAction,
  adviseMap,
  adviseMode,
  adviseNames,
  adviseNumber,
  adviseRate,
  adviseSchema,
  adviseUnit,
  adviseUnlisted,
  adviseVariable,
  adviseVerdict,
  adviseWindow,
} from './advice-values.ts';
import { ARGUMENT_CONDITION, CONDITION, STATE_KEY } from './format-conditions.ts';
import { ARGUMENT, advised, CURRENCY, DURATION, NAME, PER, RATE, text, WINDOW } from './format-values.ts';
import { inlineText } from './quote.ts';
import type { Advice, FormatKey, Keys, Shape } from './shape.ts';
import { textsOf } from './tree.ts';

const REQUIREMENTS = ['evaluate', 'allow'] as const;
const COUNT: FormatKey = { shape: { kind: 'choice', values: ['attempts', 'successes'] }, about: 'whether failed calls stay counted' };
/** A counter in millionths can hold no more. */
const MAX_COUNT = 9_007_199_254;
const AMOUNT: Shape = { kind: 'number', min: 0, max: MAX_COUNT, advice: adviseNumber };

const SPEND: Keys = {
  per_call: { shape: AMOUNT, about: 'the most that one call may cost, in major units' },
  hourly: { shape: AMOUNT, about: 'the most that may be spent in an hour' },
  daily: { shape: AMOUNT, about: 'the most that may be spent in a day' },
  weekly: { shape: AMOUNT, about: 'the most that may be spent in a week' },
  monthly: { shape: AMOUNT, about: 'the most that may be spent in a month' },
  currency: { shape: CURRENCY, about: 'the currency of the limits (usd)' },
  from: { shape: ARGUMENT, about: 'the argument that is the price (args.amount)' },
  unit: {
    shape: { kind: 'choice', values: ['major', 'minor'], advice: adviseUnit },
    about: 'whether the argument counts dollars or cents (major)',
  },
  assets: {
    shape: {
      kind: 'table',
      min: 0,
      of: {
        kind: 'map',
        keys: {
          decimals: {
            shape: { kind: 'number', integer: true, min: 0, max: 36 },
            about: 'decimal places of its smallest unit',
            required: true,
          },
          currency: { shape: CURRENCY, about: 'the currency it is worth one unit of', required: true },
          opaque: {
            shape: { kind: 'boolean' },
            about: 'whether it may be paid with what does not say how much it pays: signed transactions (false)',
          },
        },
      },
    },
    about: 'tokens that stand for a currency',
  },
  per: PER,
};

const RATE_MAP: Keys = {
  max: {
    shape: { kind: 'number', integer: true, min: 0, max: MAX_COUNT, advice: adviseNumber },
    about: 'how many calls a window admits',
    required: true,
  },
  window: {
    shape: advised({ kind: 'either', of: [WINDOW, { kind: 'exactly', values: [1, 60, 3600, 86400] }] }, adviseWindow),
    about: 'the window',
    required: true,
  },
  per: PER,
  count: COUNT,
};

const STATE: Keys = {
  counter: {
    shape: text('the name of a counter (letters, digits, "_" and "-")', /^[A-Za-z0-9_-]+$/),
    about: 'the name of the counter',
    required: true,
  },
  window: { shape: WINDOW, about: 'when it starts anew', required: true },
  increment: {
    shape: { kind: 'number', min: undefined, above: 0, max: MAX_COUNT, advice: adviseNumber },
    about: 'what each call adds (1)',
  },
  increment_from: { shape: ARGUMENT, about: 'the argument whose value each call adds', not: 'increment' },
  per: PER,
  count: COUNT,
};

const VALIDATE: Keys = {
  required_args: { shape: { kind: 'boolean' }, about: "every argument that the server's schema requires is present" },
  schema: { shape: { kind: 'boolean' }, about: "the arguments satisfy the server's schema" },
};

export const RULE_KEYS: Keys = {
  name: { shape: NAME, about: 'the name in messages and the audit' },
  action: {
    shape: { kind: 'choice', values: ['evaluate', 'allow', 'deny', 'require_approval'], advice: adviseAction },
    about: 'what the rule does (evaluate)',
  },
  when: {
    shape: { kind: 'list', of: ARGUMENT_CONDITION, min: 1, advice: adviseConditions },
    about: 'which calls the rule is about: conditions on args',
  },
  agents: {
    shape: { kind: 'list', of: text('an agent, a glob, or "!" and an agent', /^!?[^!]/), min: 1, advice: adviseNames },
    about: 'which agents the rule binds',
  },
  conditions: {
    shape: { kind: 'list', of: CONDITION, min: 1, advice: adviseConditions },
    about: 'what must hold, or what fires the rule',
    clause: true,
  },
  arguments: {
    shape: { kind: 'table', of: { kind: 'schema', advice: adviseSchema }, min: 1, advice: adviseArguments },
    about: 'a JSON Schema for each argument; it must be present unless `optional: true`',
    on: REQUIREMENTS,
    clause: true,
  },
  validate: {
    shape: {
      kind: 'map',
      keys: VALIDATE,
      anyOf: ['required_args', 'schema'],
      others: VALIDATE_NAMES,
      advice: adviseMap('schema', 'boolean'),
    },
    about: "checks against the server's own schema",
    on: REQUIREMENTS,
    clause: true,
  },
  rate_limit: {
    shape: { kind: 'either', of: [RATE, { kind: 'map', keys: RATE_MAP, others: RATE_NAMES }], advice: adviseRate },
    about: 'how many calls, how often',
    on: REQUIREMENTS,
    clause: true,
  },
  state: {
    shape: { kind: 'map', keys: STATE, others: STATE_NAMES, advice: adviseState },
    about: 'keeps a counter',
    on: REQUIREMENTS,
    clause: true,
  },
  spend: {
    shape: {
      kind: 'map',
      keys: SPEND,
      anyOf: ['per_call', 'hourly', 'daily', 'weekly', 'monthly'],
      others: SPEND_NAMES,
      advice: adviseMap('daily', 'number'),
    },
    about: 'money limits',
    on: REQUIREMENTS,
    clause: true,
  },
  on_deny: { shape: text('a text', /./), about: 'what the agent is told' },
  reason: { shape: text('a text', /./), about: 'another name for on_deny', aliasOf: 'on_deny', not: 'on_deny' },
  approval_timeout: { shape: DURATION, about: 'how long a held call waits for its approval', on: ['require_approval'] },
  idempotency_window: { shape: DURATION, about: 'how long the same call is answered with the stored result' },
  mode: { shape: { kind: 'choice', values: ['shadow', 'enforce'], advice: adviseMode }, about: 'shadow: recorded, never enforced' },
};

/** One rule. */
export const RULE: Shape = { kind: 'map', keys: RULE_KEYS, extra: 'rule', others: RULE_NAMES, advice: adviseRule };

const RULES: Shape = { kind: 'list', of: RULE, min: 0, advice: adviseRules };
const IN_RULES: ReadonlySet<string> = new Set(Object.keys(RULE_KEYS));

const ENTRY: Shape = {
  kind: 'either',
  advice: adviseEntry,
  of: [
    {
      kind: 'map',
      others: entryNames(IN_RULES),
      keys: {
        rules: { shape: RULES, about: 'the rules, in order; without them there is nothing to check' },
        idempotency_window: { shape: DURATION, about: 'how long the same call is answered with the stored result' },
      },
    },
    RULES,
  ],
};

const WEBHOOK: Keys = {
  url: { shape: text('an http or https URL', /^https?:\/\/[^\s/]/), about: 'where the record is posted', required: true },
  secret_env: {
    shape: text('the name of an environment variable', /^[A-Za-z_][A-Za-z0-9_]*$/, adviseVariable),
    about: 'the variable that holds the signing secret',
  },
};

const APPROVALS: Keys = {
  default_timeout: { shape: DURATION, about: 'how long a held call waits (15m)' },
  dedupe_window: { shape: DURATION, about: 'how long a repeat reuses the pending record (the whole timeout)' },
  max_pending: {
    shape: { kind: 'number', integer: true, min: 1, max: 10_000, advice: adviseNumber },
    about: 'pending approvals per agent (20)',
  },
  retries: {
    shape: { kind: 'number', integer: true, min: 0, max: 100, advice: adviseNumber },
    about: 'attempts that an approval survives when the server fails (2)',
  },
  notify: {
    shape: {
      kind: 'map',
      advice: (node) => adviseMap('webhook', 'text')(node)?.replace(/: ([^}]+)\}$/, ': {url: $1}}'),
      keys: {
        webhook: {
          shape: { kind: 'map', keys: WEBHOOK, others: WEBHOOK_NAMES, advice: adviseMap('url', 'text') },
          about: 'a webhook',
          required: true,
        },
      },
    },
    about: 'who is told',
  },
};

const VERDICT: Shape = { kind: 'choice', values: ['allow', 'deny'], advice: adviseVerdict };
/** `"*"` lists nothing under `tools`; to allow all there is `default`. */
const LISTED: Shape = text('the name of a tool or a glob other than "*"', /^(?!\*+$|_global$)[\s\S]*\S/, ({ kind }) =>
  kind === 'text' ? 'to allow every tool, write "default: allow"' : undefined,
);
/** Where a list of methods stands, what is to happen to them does not. */
const adviseMethods: Advice = (node) => {
  if (node.kind === 'list')
    return `say what happens to each: {${textsOf(node)
      .map((name) => `${inlineText(name)}: deny`)
      .join(', ')}}`;
  return node.kind === 'null' ? 'write "deny", "allow", or a map of methods' : adviseVerdict(node);
};

export const POLICY: Shape = {
  kind: 'map',
  others: policyNames(IN_RULES),
  advice: ({ kind }) =>
    kind === 'null' ? 'the file is empty: begin with version: "1" and default: deny' : 'begin with version: "1" and default: deny',
  keys: {
    version: {
      shape: { kind: 'exactly', values: ['1', 1], advice: () => 'write version: "1"' },
      about: 'the version of this format',
      required: true,
    },
    name: { shape: NAME, about: "the policy's identity: what shares its state" },
    description: { shape: text('a text'), about: 'what the policy is for' },
    default: { shape: VERDICT, about: 'what happens to tools that are not listed (allow)' },
    mode: {
      shape: { kind: 'choice', values: ['enforce', 'shadow'], advice: adviseMode },
      about: 'shadow: decide and record, enforce nothing (enforce)',
    },
    hide: {
      shape: {
        kind: 'either',
        advice: adviseNames,
        of: [
          { kind: 'list', of: NAME, min: 0 },
          { kind: 'exactly', values: ['*'] },
        ],
      },
      about: 'tools that are removed from the list and denied',
    },
    unlisted: {
      shape: { kind: 'choice', values: ['hide', 'show'], advice: adviseUnlisted },
      about: 'under default deny, whether unlisted tools stay in the list (hide)',
    },
    methods: {
      shape: {
        kind: 'either',
        of: [VERDICT, { kind: 'table', of: VERDICT, min: 0 }],
        advice: adviseMethods,
      },
      about: 'what happens to other requests than tool calls: all of them, or each by its name or glob',
    },
    approvals: { shape: { kind: 'map', keys: APPROVALS, others: APPROVAL_NAMES, advice: adviseApprovals }, about: 'how approvals work' },
    allow: {
      shape: { kind: 'list', of: LISTED, min: 0, advice: adviseNames },
      about: 'tools with nothing to check, by name or glob: short for an empty entry of each under "tools"',
    },
    tools: {
      shape: { kind: 'table', of: ENTRY, min: 0, notKeys: [STATE_KEY], advice: adviseTools },
      about: 'the rules of each tool, by name or glob; "*" adds to every call',
    },
  },
};

/** Answers whether a policy has this key. */
export function isPolicyKey(key: string): boolean {
  return POLICY.kind === 'map' && Object.hasOwn(POLICY.keys, key);
}
