/** The command about a state server: `state` (scale.md §1). */
import { UsageError } from '../../core/fault.ts';
import { operator } from '../../process/operator.ts';
import { stateLocation } from '../../run/state-location.ts';
import { command } from './declare.ts';
import { JSON_OUT, parseCountFlag, placesOf, STATE, STATE_FILES, set, text } from './flags.ts';

export const STATE_COMMAND = command({
  name: 'state',
  width: 18,
  argument: '[words...]',
  usage: 'state [flags]\n       intercept state replicas N | reset --accept-loss | move --to-dsn URL',
  about: 'See the server that keeps the state, go on after a loss, or move the state.',
  body: [
    STATE,
    STATE_FILES,
    {
      acceptLoss: set('reset: lift the fence, pause all, go on with what is there'),
      fill: set('reset: count every window over a minute as full'),
      toDsn: text('address', 'URL', 'move: into this server, which has no state yet'),
      toDir: text('folder', 'DIR', 'move: into this folder, likewise'),
    },
    JSON_OUT,
  ],
  end: 'Exit status: 0 done, 1 not: the store is fenced, away, or proxies run with it.\nExample: intercept state --state-dsn redis://10.0.0.5 replicas 1',
  async run({ acceptLoss, fill, toDsn, toDir, ...values }, [what, count, ...more], { terminal }) {
    if (more.length > 0 || (count !== undefined && what !== 'replicas'))
      throw new UsageError('too many words', 'see "intercept help state"');
    if (fill && what !== 'reset') throw new UsageError('--fill is for "state reset"', 'remove it');
    const options = { json: values.json, ...placesOf(values, terminal.env) };
    const run = await import('../state.ts');
    switch (what) {
      case undefined:
        return run.showState(options, terminal);
      case 'replicas':
        if (count === undefined) throw new UsageError('how many replicas?', 'write "intercept state replicas 1"');
        return run.askReplicas({ ...options, count: count === '0' ? 0 : parseCountFlag(count) }, terminal);
      case 'reset':
        if (!acceptLoss) throw new UsageError('what was counted or revoked since may be lost', 'add --accept-loss once you have looked');
        return run.resetState({ ...options, fill, by: await operator() }, terminal);
      case 'move':
        if ((toDsn === undefined) === (toDir === undefined))
          throw new UsageError('move the state where to?', 'write --to-dsn URL or --to-dir DIR');
        return run.moveState({ ...options, to: stateLocation({ stateDsn: toDsn, stateDir: toDir }, terminal.env) }, terminal);
      default:
        throw new UsageError(`no such part "${what}" of "intercept state"`, 'write replicas N, reset or move');
    }
  },
});
