/** The commands by which people see and stop what runs: `status`, `pause`, `resume` (cli.md §1). */
import { command } from './declare.ts';
import { given, parseDurationFlag, set, text, words } from './flags.ts';
import { JSON_OUT, placesOf, STATE, STATE_PREFIX } from './state.ts';

/** How long instances have to confirm a pause, ms (policy.md §11). */
const PATIENCE = 5_000;

const STATUS = command({
  name: 'status',
  usage: 'status [flags]',
  about: 'What runs, what was decided, what is counted, and what waits for approval.',
  body: [
    {
      config: { ...text('file', 'FILE', 'also the counters of this policy, when nothing runs'), short: '-c' },
      since: given(parseDurationFlag, 'time', '24h', 'how far back calls are summed up'),
      watch: set('draw anew each second; q ends it'),
    },
    { ...STATE, ...STATE_PREFIX },
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
    'Deny every call at once, in every process that shares the state, until resumed.\nWaits until all that run have confirmed; exit 1 names those that have not.',
  body: [{ reason: words('text', 'TEXT', 'what agents are told'), policy: text('name', 'NAME', 'that policy only') }, STATE, JSON_OUT],
  end: 'Example: intercept pause --reason "incident 42"',
  async run({ reason = '', ...values }, _, { terminal }) {
    const { throwSwitch } = await import('../pause.ts');
    return throwSwitch('paused', { ...values, reason, ...placesOf(values, terminal.env), patience: PATIENCE }, terminal);
  },
});

const RESUME = command({
  name: 'resume',
  usage: 'resume [flags]',
  about: 'End a pause, and wait until all that run have confirmed.',
  body: [{ policy: text('name', 'NAME', 'the pause of that policy') }, STATE, JSON_OUT],
  end: 'Example: intercept resume',
  async run(values, _, { terminal }) {
    const { throwSwitch } = await import('../pause.ts');
    return throwSwitch('resumed', { ...values, reason: '', ...placesOf(values, terminal.env), patience: PATIENCE }, terminal);
  },
});

export const OPERATING = [STATUS, PAUSE, RESUME];
