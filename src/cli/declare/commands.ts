/** The commands of one word, but for the proxy: `validate`, `test`, `explain`, `status`, `pause`, `resume` (cli.md §1). */
import { UsageError } from '../../core/fault.ts';
import { parseRemote } from '../../run/remote.ts';
import { command } from './declare.ts';
import {
  given,
  JSON_OUT,
  mentioned,
  parseDurationFlag,
  parsePercentFlag,
  placesOf,
  STATE,
  STATE_FILES,
  STATE_PREFIX,
  set,
  several,
  text,
  words,
} from './flags.ts';

/** Instances have so long to confirm a pause, ms (policy.md §11). */
const PATIENCE = 5_000;

const VALIDATE = command({
  name: 'validate',
  width: 20,
  argument: '[files...]',
  takesServer: true,
  usage: 'validate FILE… [flags] [-- COMMAND…]   (- is stdin)',
  about: 'Say everything that is wrong with policies, with line, column and what to do.',
  body: [
    {
      config: { ...text('file', 'FILE', 'a policy, as the proxy takes it'), short: '-c' },
      strict: set('warnings are errors'),
      tools: text('file', 'FILE', 'a tools/list result: are there such tools and arguments?'),
    },
    '  -- COMMAND…         the same, asking the server itself',
    JSON_OUT,
  ],
  end: 'Exit status: 0 valid, 3 invalid.\nExample: intercept validate --strict stripe.yaml -- npx -y @stripe/mcp',
  async run({ config, ...values }, files, { terminal, server }) {
    const all = [...files, ...(config === undefined ? [] : [config])];
    if (values.tools !== undefined && server?.length)
      throw new UsageError("--tools and a server's command name two lists of tools", 'remove one of them');
    if (all.length === 0) throw new UsageError('no policy to validate', 'write "intercept validate policy.yaml", or "-" for stdin');
    return (await import('../validate.ts')).validate(all, { ...values, server }, terminal);
  },
});

/** A server that is reached over HTTP. */
export const REMOTE = {
  upstream: text('url', 'URL', 'a remote server, instead of a command'),
  header: several('field', "'Name: value'", 'sent with each request'),
  headerEnv: several('field', 'Name=VAR', 'the same, with the value of a variable'),
};

const TOOLS = command({
  name: 'tools',
  width: 22,
  takesServer: true,
  usage: 'tools [flags] -- COMMAND…\n       intercept tools [flags] --upstream URL',
  about:
    "List a server's tools with their arguments, and what the policy makes of each.\nAn argument that may be left out is written with a question mark.",
  body: [
    {
      config: { ...text('file', 'FILE', 'the policy; without it the tools alone are listed'), short: '-c' },
      timeout: given(parseDurationFlag, 'time', '30s', 'how long the server has for each answer'),
      json: set('the list, as validate, explain and tests read it'),
    },
    REMOTE,
  ],
  end: 'Exit status: 0 listed, 1 the server did not list them, 3 the policy is invalid.\nExample: intercept tools --json -- npx -y @stripe/mcp > tools.json',
  async run({ upstream, header, headerEnv, ...values }, _, { terminal, server }) {
    const remote = parseRemote({ upstream, header, headerEnv }, terminal.env);
    if (remote && server) throw new UsageError("a server's command and --upstream name two servers", 'remove one of them');
    if (!remote && !server?.length) throw new UsageError('no server to ask', 'write its command after "--", or its URL after --upstream');
    return (await import('../tools.ts')).showTools({ ...values, command: server, remote }, terminal);
  },
});

const TEST = command({
  name: 'test',
  argument: '[files...]',
  usage: 'test [FILE|FOLDER…] [flags]',
  about:
    'Run policy tests offline, by the engine that enforces, with a clock of its own.\nWithout a name, all *.test.yaml in and below this folder.',
  body: [
    {
      coverage: set('list rules that no case made pass and fail'),
      minCoverage: { value: 'percent', shown: '90', about: 'fail below it', parse: parsePercentFlag, fallback: undefined },
    },
    JSON_OUT,
  ],
  end: 'Exit status: 0 all passed, 4 a test failed, 3 a policy is invalid.\nExample: intercept test --coverage policies/',
  async run(values, files, { terminal }) {
    return (await import('../test.ts')).testPolicies(files.length === 0 ? ['.'] : files, values, terminal);
  },
});

const EXPLAIN = command({
  name: 'explain',
  argument: '[file]',
  usage: 'explain -c POLICY --call TOOL [flags]\n       intercept explain -c POLICY --method NAME [flags]',
  about: 'Walk one call through a policy, rule by rule. Nothing is counted or sent.',
  body: [
    {
      config: { ...text('file', 'FILE', 'the policy'), short: '-c' },
      call: words('tool', 'TOOL', "the tool's name"),
      args: words('json', 'JSON', 'the arguments; @FILE, or - for stdin'),
      agent: text('name', 'NAME', 'who calls'),
      tools: text('file', 'FILE', 'a tools/list result, where rules validate against it'),
      method: text('name', 'NAME', 'another request than a call: by which key of methods'),
    },
    mentioned({ ...STATE, ...STATE_PREFIX }),
    '  --state-dir DIR, --state-dsn URL, --state-prefix TEXT   whose counters',
    STATE_FILES,
    { fresh: set('as with empty counters') },
    JSON_OUT,
  ],
  end: `Exit status: 0 allowed, 4 denied or held, 3 the policy is invalid.\nExample: intercept explain -c p.yaml --call refund --args '{"amount":5000}'`,
  async run(values, files, { terminal }) {
    const [config, ...more] = [...(values.config === undefined ? [] : [values.config]), ...files];
    if (more.length > 0) throw new UsageError('more than one policy', 'name one');
    if (config === undefined) throw new UsageError('no policy', 'name it with "-c policy.yaml"');
    const places = placesOf(values, terminal.env);
    if (values.method !== undefined) {
      const ofCall = (['call', 'args', 'agent', 'tools'] as const).find((name) => values[name] !== undefined);
      if (ofCall !== undefined)
        throw new UsageError(`--${ofCall} is about a tool call, and --method asks about another request`, 'remove one of them');
      return (await import('../explain-method.ts')).showMethod(values.method, { ...values, ...places, config }, terminal);
    }
    if (values.call === undefined)
      throw new UsageError('no call to explain', 'name the tool with "--call NAME", or another request with "--method NAME"');
    const { explain } = await import('../explain.ts');
    return explain({ ...values, ...places, config, call: values.call }, terminal);
  },
});

const STATUS = command({
  name: 'status',
  usage: 'status [flags]',
  about: 'What runs, what was decided, what is counted, and what waits for approval.',
  body: [
    {
      config: { ...text('file', 'FILE', 'this policy only; its counters also when nothing runs'), short: '-c' },
      policy: text('name', 'NAME', 'the policy of that name only'),
      agent: text('name', 'NAME', "that agent's calls, approvals and counters only"),
      since: given(parseDurationFlag, 'time', '24h', 'how far back calls are summed up'),
      watch: set('draw anew each second, as much as fits'),
    },
    { ...STATE, ...STATE_PREFIX },
    STATE_FILES,
    JSON_OUT,
  ],
  end: 'Example: intercept status --since 1h',
  run: async (values, _, { terminal }) =>
    (await import('../status.ts')).showStatus({ ...values, ...placesOf(values, terminal.env) }, terminal),
});

const PAUSE = command({
  name: 'pause',
  usage: 'pause [flags]',
  about:
    'Deny every call at once, in every process that shares the state, until resumed.\nSays whom that reaches, and which proxies run with another state.',
  body: [
    {
      reason: words('text', 'TEXT', 'what agents are told'),
      policy: text('name', 'NAME', 'that policy only'),
      force: set('also a policy that nobody here has heard of'),
    },
    STATE,
    STATE_FILES,
    JSON_OUT,
  ],
  end: 'Exit status: 0 all that run have confirmed, 1 one has not, or none runs.\nExample: intercept pause --reason "incident 42"',
  async run({ reason = '', ...values }, _, { terminal }) {
    const { throwSwitch } = await import('../pause.ts');
    return throwSwitch('paused', { ...values, reason, ...placesOf(values, terminal.env), patience: PATIENCE }, terminal);
  },
});

const RESUME = command({
  name: 'resume',
  usage: 'resume [flags]',
  about: 'End a pause, and wait until all that run have confirmed.',
  body: [{ policy: text('name', 'NAME', 'the pause of that policy') }, STATE, STATE_FILES, JSON_OUT],
  end: 'Exit status: 0 all that run have confirmed, 1 one has not, or none runs.\nExample: intercept resume',
  async run(values, _, { terminal }) {
    const { throwSwitch } = await import('../pause.ts');
    return throwSwitch('resumed', { ...values, reason: '', force: false, ...placesOf(values, terminal.env), patience: PATIENCE }, terminal);
  },
});

const COMPLETION = command({
  name: 'completion',
  argument: '[shell]',
  usage: 'completion bash|zsh|fish',
  about: 'Print what makes your shell complete commands and flags at the Tab key.',
  body: [],
  end: [
    'Write into ~/.bashrc, ~/.zshrc (after compinit) or config.fish:',
    '  source <(intercept completion bash)',
    '  source <(intercept completion zsh)',
    '  intercept completion fish | source',
    'Example: intercept completion bash',
  ].join('\n'),
  run: async (_, words, { terminal, program }) => (await import('../completion.ts')).printCompletion(words, program, terminal),
});

export const SINGLE = [VALIDATE, TOOLS, TEST, EXPLAIN, STATUS, PAUSE, RESUME, COMPLETION];
