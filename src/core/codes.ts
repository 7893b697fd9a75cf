/**
 * Every reason a call can be answered with instead of being forwarded (policy.md §13), and whether the same call
 * can succeed later without anyone changing the policy. docs/errors.md lists the same table; a test ties the two.
 */
export const REASONS = {
  paused: { retryable: true, about: 'an operator has paused tool calls' },
  self: { retryable: false, about: "the message names Intercept's own files" },
  hidden: { retryable: false, about: 'the tool is hidden' },
  default_deny: { retryable: false, about: 'no key of `tools` lists the tool, and the default is deny' },
  look_alike: { retryable: false, about: 'the name only resembles a listed tool' },
  rule: { retryable: false, about: 'a requirement failed, or a deny rule fired' },
  rate_limit: { retryable: true, about: 'a rate limit is used up for this window' },
  limit: { retryable: true, about: 'a counter would pass its limit in this window' },
  spend: { retryable: true, about: 'a spend limit would be passed' },
  unpriceable: { retryable: false, about: 'the price of the call can not be known' },
  schema: { retryable: false, about: 'the arguments do not fit a schema, or the schema is not known' },
  indeterminate: { retryable: false, about: 'a requirement could not be evaluated (an argument is missing or of another type)' },
  approval_required: { retryable: true, about: 'a human has to approve the call' },
  approval_denied: { retryable: false, about: 'a human denied the call' },
  too_many_pending: { retryable: true, about: 'too many calls of this agent wait for approval' },
  outcome_unknown: { retryable: false, about: 'an identical call was sent and its outcome is unknown' },
  already_done: { retryable: false, about: 'an identical call already succeeded' },
  state_error: { retryable: true, about: 'the state store did not answer' },
  no_policy: { retryable: true, about: 'the policy file is gone' },
  audit_error: { retryable: true, about: 'the audit record could not be written' },
} as const;

export type ReasonCode = keyof typeof REASONS;
