/** Help that fits a screen: 24 lines of 80 columns. A test ties it to the flags that are declared. */
export const HELP = {
  intercept: `Usage: intercept -c POLICY [flags] -- COMMAND [ARG…]
       intercept -c POLICY [flags] --upstream URL
Enforce a policy on every call that an AI agent makes to an MCP server.

Commands, each with --help: validate, test, explain (write policies);
  status, approvals, idempotency, pause, resume (see and decide what runs)
Policy
  -c, --config FILE   the policy; edits are taken while running
  --agent NAME        who the agent is, for "agents" and "per: agent"
  --shadow            decide and record, enforce nothing
  --allow-self        let messages name Intercept's own files
A remote server: --upstream URL, --header 'Name: value', --header-env Name=VAR
Listen on HTTP: --transport http (sse where the upstream speaks HTTP+SSE only)
  --bind 127.0.0.1, --port 0, --public-url URL, --token-env VAR, --preserve-host
  --allow-host NAME, --allow-origin URL, --pass-header NAME, --max-sessions 64
State and audit, in ~/.intercept or INTERCEPT_HOME
  --state-dir DIR, --state-prefix TEXT, --state-timeout 250ms
  --state-fail-mode closed|open, --audit-args redacted|full|hash
  --audit-retention 30d, --log-level debug|info|warn|error
Limits: --max-message 10MiB, --max-state 256MiB, --upstream-timeout 0
Held calls: --approval-wait 0, --enable-admin-api (a page, on --admin-port 0)
  -h, --help, -V, --version

Example: intercept -c stripe.yaml -- npx -y @stripe/mcp`,
  validate: `Usage: intercept validate FILE… [flags] [-- COMMAND…]
Say everything that is wrong with policies, with line, column and what to do.

  -c, --config FILE   a policy, as the proxy takes it
  --strict            warnings are errors
  --tools FILE        a tools/list result: are there such tools and arguments?
  -- COMMAND…         the same, asking the server itself
  --json              for programs
  -h, --help

Exit status: 0 valid, 3 invalid.
Example: intercept validate --strict stripe.yaml -- npx -y @stripe/mcp`,
  test: `Usage: intercept test FILE|FOLDER… [flags]
Run policy tests offline, by the engine that enforces, with a clock of its own.

  --coverage           list rules that no case made pass and fail
  --min-coverage 90    fail below it
  --json               for programs
  -h, --help

Exit status: 0 all passed, 4 a test failed, 3 a policy is invalid.
Example: intercept test --coverage policies/`,
  explain: `Usage: intercept explain -c POLICY --call TOOL [flags]
Walk one call through a policy: each rule, each clause, and what decides.
Nothing is counted, sent or recorded.

  -c, --config FILE    the policy
  --call TOOL          the tool's name
  --args JSON          the arguments; @FILE, or - for stdin
  --agent NAME         who calls
  --tools FILE         a tools/list result, where rules validate against it
  --state-dir DIR, --state-prefix TEXT   whose counters are read
  --fresh              as with empty counters
  --json               for programs
  -h, --help

Exit status: 0 allowed, 4 denied or held, 3 the policy is invalid.
Example: intercept explain -c p.yaml --call refund --args '{"amount":5000}'`,
  status: `Usage: intercept status [flags]
What runs, what was decided, what is counted, and what waits for approval.

  -c, --config FILE    also the counters of this policy, when nothing runs
  --since 24h          how far back calls are summed up
  --watch              draw anew each second; q ends it
  --state-dir DIR, --state-prefix TEXT
  --json               for programs
  -h, --help

Example: intercept status --since 1h`,
  pause: `Usage: intercept pause [flags]
Deny every call at once, in every process that shares the state, until resumed.
Waits until all that run have confirmed; exit 1 names those that have not.

  --reason TEXT        what agents are told
  --policy NAME        that policy only
  --state-dir DIR
  --json               for programs
  -h, --help

Example: intercept pause --reason "incident 42"`,
  resume: `Usage: intercept resume [flags]
End a pause, and wait until all that run have confirmed.

  --policy NAME        the pause of that policy
  --state-dir DIR
  --json               for programs
  -h, --help

Example: intercept resume`,
  approvals: `Usage: intercept approvals COMMAND [flags]
Decide on calls that wait for a human. An ID may be shortened while unique.

Commands
  list              what waits; --all shows decided and expired ones too
  show ID           one whole: who asks, why it waits, every argument
  approve ID        let it through once, when the agent repeats it
  deny ID           refuse it
  watch             a live view, in which one key decides; lines where piped
  expire            mark what is over
  protect           set a secret, without which nobody approves, denies, resumes
Flags
  --as NAME         who decides; else the user of the operating system
  --reason TEXT     why; the agent of a denied call is told
  --state-dir DIR
  --json            for programs
  -h, --help

INTERCEPT_APPROVER_TOKEN holds the secret, once there is one.
Example: intercept approvals approve apr_jxwe --reason "customer called"`,
  idempotency: `Usage: intercept idempotency COMMAND [flags]
See and settle calls that must not be sent twice.

Commands
  list              calls in flight, done, and of unknown outcome
  resolve KEY       settle an unknown outcome, when you have looked it up
Flags
  --happened        it was carried out: a repeat is denied
  --did-not         it was not: it may be sent again
  --as NAME         who settles it; else the user of the operating system
  --state-dir DIR
  --json            for programs
  -h, --help

Example: intercept idempotency resolve 3f9a --did-not`,
} as const;
