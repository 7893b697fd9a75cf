/**
 * The policy format (policy.md §2, §3): keys, types of values, documentation. The checker and the published JSON Schema
 * are both made of this; what it does not name is an error.
 */
import { ARGUMENT_CONDITION, CONDITION, STATE_KEY } from './format-conditions.ts';
import { ARGUMENT, CURRENCY, DURATION, NAME, PER, RATE, text, WINDOW } from './format-values.ts';
import type { Key, Keys, Shape } from './shape.ts';

const REQUIREMENTS = ['evaluate', 'allow'] as const;
const COUNT: Key = { shape: { kind: 'choice', values: ['attempts', 'successes'] }, about: 'whether failed calls stay counted' };
/** A counter in millionths can hold no more. */
const MAX_COUNT = 9_007_199_254;
const AMOUNT: Shape = { kind: 'number', min: 0, max: MAX_COUNT };

const SPEND: Keys = {
  per_call: { shape: AMOUNT, about: 'the most that one call may cost, in major units' },
  hourly: { shape: AMOUNT, about: 'the most that may be spent in an hour' },
  daily: { shape: AMOUNT, about: 'the most that may be spent in a day' },
  weekly: { shape: AMOUNT, about: 'the most that may be spent in a week' },
  monthly: { shape: AMOUNT, about: 'the most that may be spent in a month' },
  currency: { shape: CURRENCY, about: 'the currency of the limits (usd)' },
  from: { shape: ARGUMENT, about: 'the argument that is the price (args.amount)' },
  unit: { shape: { kind: 'choice', values: ['major', 'minor'] }, about: 'whether the argument counts dollars or cents (major)' },
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
  max: { shape: { kind: 'number', integer: true, min: 0, max: MAX_COUNT }, about: 'how many calls a window admits', required: true },
  window: {
    shape: { kind: 'either', of: [WINDOW, { kind: 'exactly', values: [1, 60, 3600, 86400] }] },
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
  increment: { shape: { kind: 'number', min: undefined, above: 0, max: MAX_COUNT }, about: 'what each call adds (1)' },
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
  action: { shape: { kind: 'choice', values: ['evaluate', 'allow', 'deny', 'require_approval'] }, about: 'what the rule does (evaluate)' },
  when: { shape: { kind: 'list', of: ARGUMENT_CONDITION, min: 1 }, about: 'which calls the rule is about: conditions on args' },
  agents: {
    shape: { kind: 'list', of: text('an agent, a glob, or "!" and an agent', /^!?[^!]/), min: 1 },
    about: 'which agents the rule binds',
  },
  conditions: { shape: { kind: 'list', of: CONDITION, min: 1 }, about: 'what must hold, or what fires the rule', clause: true },
  arguments: {
    shape: { kind: 'table', of: { kind: 'schema' }, min: 1 },
    about: 'a JSON Schema for each argument; it must be present unless `optional: true`',
    on: REQUIREMENTS,
    clause: true,
  },
  validate: {
    shape: { kind: 'map', keys: VALIDATE, anyOf: ['required_args', 'schema'] },
    about: "checks against the server's own schema",
    on: REQUIREMENTS,
    clause: true,
  },
  rate_limit: {
    shape: { kind: 'either', of: [RATE, { kind: 'map', keys: RATE_MAP }] },
    about: 'how many calls, how often',
    on: REQUIREMENTS,
    clause: true,
  },
  state: { shape: { kind: 'map', keys: STATE }, about: 'keeps a counter', on: REQUIREMENTS, clause: true },
  spend: {
    shape: { kind: 'map', keys: SPEND, anyOf: ['per_call', 'hourly', 'daily', 'weekly', 'monthly'] },
    about: 'money limits',
    on: REQUIREMENTS,
    clause: true,
  },
  on_deny: { shape: text('a text', /./), about: 'what the agent is told' },
  reason: { shape: text('a text', /./), about: 'another name for on_deny', aliasOf: 'on_deny', not: 'on_deny' },
  approval_timeout: { shape: DURATION, about: 'how long a held call waits for its approval', on: ['require_approval'] },
  idempotency_window: { shape: DURATION, about: 'how long the same call is answered with the stored result' },
  mode: { shape: { kind: 'choice', values: ['shadow', 'enforce'] }, about: 'shadow: recorded, never enforced' },
};

/** One rule. */
export const RULE: Shape = { kind: 'map', keys: RULE_KEYS, extra: 'rule' };

const RULES: Shape = { kind: 'list', of: RULE, min: 0 };

const ENTRY: Shape = {
  kind: 'either',
  empty: 'write "[]" where there is nothing to check',
  of: [
    {
      kind: 'map',
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
    shape: text('the name of an environment variable', /^[A-Za-z_][A-Za-z0-9_]*$/),
    about: 'the variable that holds the signing secret',
  },
};

const APPROVALS: Keys = {
  default_timeout: { shape: DURATION, about: 'how long a held call waits (15m)' },
  dedupe_window: { shape: DURATION, about: 'how long a repeat reuses the pending record (the whole timeout)' },
  max_pending: { shape: { kind: 'number', integer: true, min: 1, max: 10_000 }, about: 'pending approvals per agent (20)' },
  retries: {
    shape: { kind: 'number', integer: true, min: 0, max: 100 },
    about: 'attempts that an approval survives when the server fails (2)',
  },
  notify: {
    shape: { kind: 'map', keys: { webhook: { shape: { kind: 'map', keys: WEBHOOK }, about: 'a webhook', required: true } } },
    about: 'who is told',
  },
};

const VERDICT: Shape = { kind: 'choice', values: ['allow', 'deny'] };
/** `"*"` lists nothing under `tools`; to allow all there is `default`. */
const LISTED: Shape = text('the name of a tool or a glob other than "*"', /^(?!\*+$|_global$)[\s\S]*\S/);

export const POLICY: Shape = {
  kind: 'map',
  keys: {
    version: { shape: { kind: 'exactly', values: ['1', 1] }, about: 'the version of this format', required: true },
    name: { shape: NAME, about: "the policy's identity: what shares its state" },
    description: { shape: text('a text'), about: 'what the policy is for' },
    default: { shape: { kind: 'choice', values: ['allow', 'deny'] }, about: 'what happens to tools that are not listed (allow)' },
    mode: { shape: { kind: 'choice', values: ['enforce', 'shadow'] }, about: 'shadow: decide and record, enforce nothing (enforce)' },
    hide: {
      shape: {
        kind: 'either',
        of: [
          { kind: 'list', of: NAME, min: 0 },
          { kind: 'exactly', values: ['*'] },
        ],
      },
      about: 'tools that are removed from the list and denied',
    },
    unlisted: {
      shape: { kind: 'choice', values: ['hide', 'show'] },
      about: 'under default deny, whether unlisted tools stay in the list (hide)',
    },
    methods: {
      shape: {
        kind: 'either',
        of: [VERDICT, { kind: 'table', of: VERDICT, min: 0 }],
        empty: 'write "deny", "allow", or a map of methods',
      },
      about: 'what happens to other requests than tool calls: all of them, or each by its name or glob',
    },
    approvals: { shape: { kind: 'map', keys: APPROVALS }, about: 'how approvals work' },
    allow: {
      shape: { kind: 'list', of: LISTED, min: 0 },
      about: 'tools with nothing to check, by name or glob: short for an empty entry of each under "tools"',
    },
    tools: {
      shape: { kind: 'table', of: ENTRY, min: 0, notKeys: [STATE_KEY] },
      about: 'the rules of each tool, by name or glob; "*" adds to every call',
    },
  },
};
