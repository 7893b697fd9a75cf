/** Help that fits a screen: 24 lines of 80 columns. A test ties it to the flags that are declared. */
export const HELP = {
  intercept: `Usage: intercept -c POLICY [flags] -- COMMAND [ARG…]
Enforce a policy on every call that an AI agent makes to an MCP server.

Commands  (each takes --help)
  validate FILE…   say what is wrong with a policy      explain  walk one call
  test FILE…       run policy tests                     status   what is going on
  pause, resume    deny every call at once, until resumed
Policy
  -c, --config FILE         the policy; edits are taken while running
  --agent NAME              who the agent is, for "agents" and "per: agent"
  --shadow                  decide and record, enforce nothing
  --allow-self              let arguments name Intercept's own files
State and audit, in ~/.intercept or INTERCEPT_HOME
  --state-dir DIR, --state-prefix TEXT, --state-timeout 250ms
  --state-fail-mode MODE    closed (default) or open: what a failing store means
  --audit-args HOW          redacted (default), full or hash
  --audit-retention 30d     how long audit files are kept
Limits and logs
  --max-message 10MiB, --upstream-timeout 0
  --log-level LEVEL         debug, info (default), warn or error
  -h, --help, -V, --version

Example: intercept -c stripe.yaml -- npx -y @stripe/mcp`,
} as const;
