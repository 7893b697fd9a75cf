/**
 * Every diagnostic there is (policy.md §14). docs list the same table. `structural` errors are those that the published
 * JSON Schema finds as well; the others need more than shapes.
 */
interface DiagnosticKind {
  readonly severity: 'error' | 'warning';
  readonly structural?: boolean;
  readonly about: string;
}

export const DIAGNOSTICS = {
  'too-large': { severity: 'error', about: 'the policy is over 1 MiB' },
  'too-deep': { severity: 'error', about: 'the policy nests deeper than 64 levels' },
  'yaml-syntax': { severity: 'error', about: 'the text is not YAML 1.2' },
  'yaml-documents': { severity: 'error', about: 'the file holds more than one document' },
  'yaml-alias': { severity: 'error', about: 'an alias names no anchor, contains itself, or explodes' },
  'yaml-tag': { severity: 'error', about: 'a tag changes what a value is' },
  'yaml-key': { severity: 'error', about: 'a key is not text' },
  'yaml-number': { severity: 'error', about: 'a number is written in a way that readers of YAML take differently' },
  'duplicate-key': { severity: 'error', about: 'a key stands twice in a map' },
  'wrong-type': { severity: 'error', structural: true, about: 'a value is of another type than its key takes' },
  'wrong-value': { severity: 'error', structural: true, about: 'a value has the right type, but is none that its key takes' },
  'unknown-key': { severity: 'error', structural: true, about: 'no such key exists here' },
  'missing-key': { severity: 'error', structural: true, about: 'a required key is missing' },
  'unknown-operator': { severity: 'error', structural: true, about: 'a condition names no operator' },
  'clause-not-allowed': { severity: 'error', structural: true, about: 'the action of the rule does not take the clause' },
  'empty-rule': { severity: 'error', structural: true, about: 'an `evaluate` rule has no clause' },
  'conflicting-keys': { severity: 'error', structural: true, about: 'two keys say the same thing' },
  'reserved-name': { severity: 'error', structural: true, about: '`_global` is the scope of "*" and names no tool' },
  'bad-path': { severity: 'error', structural: true, about: 'a path is ill-formed, or of a kind that its key does not take' },
  'unusable-folder': { severity: 'error', about: 'a variable of a folder is not known here, or the folder is the root of all paths' },
  'bad-regex': { severity: 'error', about: 'RE2 refuses a pattern' },
  'bad-schema': { severity: 'error', about: 'a JSON Schema is ill-formed or refused' },
  'unknown-counter': { severity: 'error', about: 'a condition reads a counter that no rule keeps' },
  'duplicate-counter': { severity: 'error', about: 'two rules under a key define one counter' },
  unsatisfiable: { severity: 'warning', about: 'no value satisfies the conditions' },
  unreachable: { severity: 'warning', about: 'a rule stands after an unconditional deny' },
  'hidden-and-listed': { severity: 'warning', about: 'a tool is both hidden and listed' },
  'listed-twice': { severity: 'warning', about: '`allow` names what is listed already' },
  'zero-limit': { severity: 'warning', about: 'a limit of 0 denies every call' },
  'unanchored-regex': { severity: 'warning', about: 'a pattern on a path or host matches anywhere in the text' },
  'below-approval': { severity: 'warning', about: 'a requirement below an approval rule is skipped once that rule fires' },
  'demand-beside-limit': { severity: 'warning', about: '`conditions` beside a `rate_limit` are demands, not a selection' },
  'absent-argument': { severity: 'warning', about: 'a trigger fires also when its argument is absent' },
  'spend-without-from': { severity: 'warning', about: '`spend` does not say which argument is the price' },
  'currency-not-pinned': { severity: 'warning', about: 'a priced tool takes a currency that no rule pins' },
  'session-only-limit': { severity: 'warning', about: 'the only limits of a key start anew with each session' },
  'takes-tool-name': { severity: 'warning', about: 'a tool takes the name of another tool' },
  'default-allow': { severity: 'warning', about: 'tools that the policy does not list are allowed' },
  'methods-unset': { severity: 'warning', about: 'under `default: deny`, resources, prompts or sampling are not decided' },
  'undecided-method': { severity: 'warning', about: 'a key of `methods` decides none of the MCP methods that it matches' },
  'unnamed-counters': { severity: 'warning', about: 'a policy without a name counts: its counters start anew when the file is moved' },
  'unread-counter': { severity: 'warning', about: 'a counter is kept, but no condition reads it' },
  alias: { severity: 'warning', about: 'a key or value has another name' },
  'unknown-tool': { severity: 'warning', about: 'the server has no such tool' },
  'unusable-schema': { severity: 'warning', about: 'a schema of the server can not be used: `validate` denies every call of the tool' },
  'nullable-schema': { severity: 'warning', about: 'a schema of the server says `nullable`, which lets no null in' },
  'unknown-argument': { severity: 'warning', about: 'the schema of the tool has no such argument' },
} as const satisfies Readonly<Record<string, DiagnosticKind>>;

export type DiagnosticCode = keyof typeof DIAGNOSTICS;
