/** The command that reads the audit: `log` (cli.md §1). */
import { UsageError } from '../../core/fault.ts';
import { command } from './declare.ts';
import { longOf, parseSinceFlag, placesOf, set, text } from './flags.ts';

export const LOG = command({
  name: 'log',
  usage: 'log [flags]',
  about: 'What agents did and what became of it: the audit of all processes, by time.',
  body: [
    {
      follow: set('go on with what comes, until Ctrl-C'),
      since: {
        value: 'time',
        shown: '1h',
        about: 'how far back, or from when: 2026-03-01T12:00',
        parse: parseSinceFlag,
        fallback: undefined,
      },
      tool: text('glob', 'GLOB', 'calls of these tools, such as "list_*"'),
      agent: text('glob', 'GLOB', 'of these agents'),
      denied: set('denied calls, methods and messages only'),
      why: set('the reason, below each that was denied or held'),
      verify: set('instead: is the audit as it was written?'),
    },
    { json: set('the records themselves, one a line') },
  ],
  end: 'Exit status: 1 where a file cannot be read, or --verify finds a bad record.\nExample: intercept log --since 1d --denied --why',
  async run({ verify, ...values }, _, { terminal }) {
    const options = { ...values, ...placesOf({ stateDir: undefined }, terminal.env) };
    if (values.why && values.json) throw new UsageError('--why is for people', 'leave it out: the records have "message" and "code"');
    if (!verify) return (await import('../log.ts')).showLog(options, terminal);
    refuseBeside(values);
    return (await import('../log-verify.ts')).verifyLog(options, terminal);
  },
});

/** A chain is whole or it is not: nothing of it can be left out. */
function refuseBeside({ json: _, ...others }: Readonly<Record<string, unknown>>): void {
  const stray = Object.keys(others).find((key) => others[key] !== undefined && others[key] !== false);
  if (stray !== undefined)
    throw new UsageError(`--verify checks all records, whole, and takes no "${longOf(stray)}"`, 'remove one of them');
}
