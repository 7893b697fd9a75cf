/** `intercept pause` and `resume`: the kill switch, and who has confirmed it (policy.md §11). */
import { EXIT } from '../core/fault.ts';
import type { Instance } from '../core/store.ts';
import { type PauseOptions, pauseCalls, resumeCalls, type Switched } from '../run/pause.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

export interface SwitchOptions extends PauseOptions {
  readonly json: boolean;
}

/** Pauses or resumes, and says who has confirmed. Status 1 where somebody has not. */
export async function throwSwitch(to: 'paused' | 'resumed', options: SwitchOptions, terminal: Terminal): Promise<number> {
  const switched = await (to === 'paused' ? pauseCalls : resumeCalls)(options, terminal);
  const { type, sequence, confirmed, silent, remaining } = switched;
  const told = { type, policy: options.policy ?? null, sequence, confirmed, silent, still_paused: remaining };
  if (options.json) terminal.out(JSON.stringify(told, null, 2));
  else report(switched, options, terminal);
  return silent.length === 0 ? EXIT.done : EXIT.failed;
}

function report(switched: Switched, options: SwitchOptions, terminal: Terminal): void {
  const { confirmed, silent, remaining } = switched;
  const paint = createPaint(terminal.colour);
  terminal.out(headline(switched, options, paint));
  for (const instance of confirmed) terminal.out(`  ${paint('green', 'confirmed')}  ${nameOf(instance)}`);
  for (const instance of silent) terminal.err(`  ${paint('red', 'no answer')}  ${nameOf(instance)}`);
  if (confirmed.length + silent.length === 0) terminal.out('  no instance is running; those that start find it so');
  for (const scope of remaining) terminal.err(`still paused: ${shown(scope)}`);
}

function headline({ type, ended }: Switched, { policy, reason }: SwitchOptions, paint: Paint): string {
  const scope = policy === undefined ? 'all policies' : `policy ${JSON.stringify(shown(policy))}`;
  if (type === 'paused') return `${paint('bold', 'paused')}: ${scope}${reason && ` (${shown(reason)})`}`;
  return ended === 0 ? `${scope}: was not paused` : `${paint('bold', 'resumed')}: ${scope}`;
}

function nameOf({ pid, host, policy, upstream }: Instance): string {
  return `pid ${pid} on ${shown(host)}  ${shown(policy ?? '(no name)')}  ${shown(upstream, 60)}`;
}
