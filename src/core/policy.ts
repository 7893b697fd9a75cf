/**
 * A compiled policy (policy.md §2, §3): what `policy/` makes of YAML and what `plan` reads. Data and closures over
 * data; nothing here reads a clock, a file or a socket.
 */
import type { ArgCondition, ArgPath, StateCondition } from './condition.ts';
import type { Count, Counter, Per } from './counter.ts';
import type { Json } from './json.ts';
import type { NamePattern } from './names.ts';
import type { WindowUnit } from './window.ts';

export type Action = 'evaluate' | 'allow' | 'deny' | 'require_approval';

/** A place in the policy file; line and column from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Judges a value by a JSON Schema; `why` is for the audit and `explain`. */
export type SchemaCheck = (value: Json) => SchemaVerdict;
export type SchemaVerdict = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** A rule adds this to a counter. `micros` are millionths. */
export interface Draw {
  readonly counter: Counter;
  readonly amount: { readonly kind: 'fixed'; readonly micros: number } | { readonly kind: 'from'; readonly path: ArgPath };
  readonly count: Count;
}

/** `N/unit`: at most `max` calls per window of the draw's counter. */
export interface RateLimit {
  readonly draw: Draw;
  readonly max: number;
}

/** `arguments: {name: schema}`. */
export interface ArgumentSchema {
  readonly name: string;
  readonly optional: boolean;
  readonly check: SchemaCheck;
}

/** One money limit of a `spend` clause; `window` undefined is the limit of a single call. */
export interface SpendLimit {
  readonly window: WindowUnit | undefined;
  readonly counter: Counter | undefined;
  readonly micros: number;
  /** The amount as the policy writes it, for messages. */
  readonly text: string;
}

/** A token that stands for a currency. `opaque`: it may be paid with what does not say how much it pays. */
export interface Asset {
  readonly decimals: number;
  readonly currency: string;
  readonly opaque: boolean;
}

/** Money limits (policy.md §8). `shift` moves an argument's amount into major units: −2 for cents. */
export interface Spend {
  readonly limits: readonly SpendLimit[];
  readonly currency: string;
  readonly from: ArgPath | undefined;
  readonly shift: number;
  /** Decimal places of the currency's smallest unit. */
  readonly minorDigits: number;
  readonly assets: ReadonlyMap<string, Asset>;
  readonly per: Per;
}

/** A rule binds these agents: any of `only` (when there are some), and none of `except`. */
export interface RuleAgents {
  readonly only: readonly NamePattern[];
  readonly except: readonly NamePattern[];
}

/** One rule, compiled. A clause that the policy does not give is undefined or empty. */
export interface Rule {
  readonly label: string;
  /** The key of `tools` that the rule stands under, as written. */
  readonly key: string;
  readonly index: number;
  readonly action: Action;
  readonly shadow: boolean;
  readonly agents: RuleAgents | undefined;
  readonly when: readonly ArgCondition[];
  readonly conditions: readonly ArgCondition[];
  readonly stateConditions: readonly StateCondition[];
  readonly arguments: readonly ArgumentSchema[];
  readonly validate: { readonly requiredArgs: boolean; readonly schema: boolean } | undefined;
  readonly rateLimit: RateLimit | undefined;
  readonly state: Draw | undefined;
  readonly spend: Spend | undefined;
  /** `on_deny`, or undefined for the default text. */
  readonly message: string | undefined;
  /** ms; `require_approval` only. */
  readonly approvalTimeout: number;
  /** ms; 0 is none. */
  readonly idempotencyWindow: number;
  /** SHA-256 of the rule's content, hex: an edited approval rule needs a new approval (§12). */
  readonly hash: string;
  readonly position: Position;
}

/** One key of `tools`. */
export interface ToolEntry {
  readonly key: string;
  readonly pattern: NamePattern;
  readonly rules: readonly Rule[];
  readonly idempotencyWindow: number;
  readonly position: Position;
}

export interface MethodRule {
  readonly pattern: NamePattern;
  readonly verdict: 'allow' | 'deny';
}

/** The `approvals` map; times in ms. */
export interface ApprovalSettings {
  readonly defaultTimeout: number;
  readonly dedupeWindow: number | undefined;
  readonly maxPending: number;
  readonly retries: number;
  readonly webhook: { readonly url: string; readonly secretEnv: string | undefined } | undefined;
}

/** A whole valid policy. `revision` is the SHA-256 of its text, hex, shortened to 12 characters. */
export interface Policy {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly revision: string;
  readonly default: 'allow' | 'deny';
  readonly mode: 'enforce' | 'shadow';
  readonly hide: readonly NamePattern[];
  readonly unlisted: 'hide' | 'show';
  readonly methods: readonly MethodRule[];
  readonly approvals: ApprovalSettings;
  /** Exact keys by name; globs in file order; the entry of `"*"`. */
  readonly exact: ReadonlyMap<string, ToolEntry>;
  readonly globs: readonly ToolEntry[];
  readonly everyTool: ToolEntry | undefined;
  /** Ids of counters that a rule outside shadow mode keeps or reads: a shadow rule never leaves those uncounted. */
  readonly enforcedCounters: ReadonlySet<string>;
  /** Environment variables that the policy names as secrets. */
  readonly secretEnv: readonly string[];
  /** Lists what the policy uses, so that what it does not use costs nothing. */
  readonly uses: {
    readonly spend: boolean;
    readonly idempotency: boolean;
    readonly approvals: boolean;
    readonly serverSchemas: boolean;
    readonly counters: boolean;
    /** A rule is about some agents, or counts for each of them. */
    readonly agents: boolean;
  };
}
