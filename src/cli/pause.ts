/** `intercept pause` and `resume`: the kill switch, whom it reaches, and whom it does not (policy.md §11). */
import { EXIT } from '../core/fault.ts';
import { instanceJson, pauseJson } from '../core/instance-json.ts';
import type { Instance } from '../core/store.ts';
import type { SeenProxy } from '../run/elsewhere.ts';
import { type PauseOptions, pauseCalls, resumeCalls, type Switched } from '../run/pause.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

export interface SwitchOptions extends PauseOptions {
  readonly json: boolean;
}

/** Pauses or resumes, and says whom that reaches. Status 1 where somebody has not confirmed, or nobody runs who could. */
export async function throwSwitch(to: 'paused' | 'resumed', options: SwitchOptions, terminal: Terminal): Promise<number> {
  const switched = await (to === 'paused' ? pauseCalls : resumeCalls)(options, terminal);
  if (options.json) terminal.out(JSON.stringify(toJson(switched, options), null, 2));
  else report(switched, options, terminal);
  return switched.silent.length === 0 && switched.confirmed.length > 0 ? EXIT.done : EXIT.failed;
}

function toJson(
  { type, sequence, confirmed, silent, uncovered, remaining, elsewhere }: Switched,
  { policy, reason, state }: SwitchOptions,
) {
  return {
    ...{ type, policy: policy ?? null, reason: type === 'paused' ? reason : null, state: state.name, sequence },
    confirmed: confirmed.map(instanceJson),
    silent: silent.map(instanceJson),
    not_covered: uncovered.map(instanceJson),
    elsewhere: elsewhere.proxies.map(({ pid, user, config, home, state: other }) => ({
      ...{ pid, user, config, home: home ?? null, state: other ?? null },
    })),
    elsewhere_sight: elsewhere.sight,
    still_paused: remaining.map(pauseJson),
  };
}

/** Prints what was done to stdout, and what was not to stderr. */
function report(switched: Switched, options: SwitchOptions, terminal: Terminal): void {
  const { type, confirmed, silent, uncovered, remaining } = switched;
  const paint = createPaint(terminal.colour);
  // The mark of each line takes thirteen columns.
  const width = Math.max((terminal.size()?.columns ?? 200) - 13, 40);
  const nobody = confirmed.length + silent.length === 0;
  if (nobody)
    terminal.out(
      `${paint('red', 'nothing that runs is affected')}: no proxy ${options.policy === undefined ? '' : 'of that policy '}runs with this state`,
    );
  terminal.out(headline(switched, options, nobody, paint));
  terminal.out(`  state      ${shown(options.state.name, 500)}`);
  for (const instance of confirmed) terminal.out(`  ${paint('green', 'confirmed')}  ${nameOf(instance, width)}`);
  for (const instance of silent) terminal.err(`  ${paint('red', 'no answer')}  ${nameOf(instance, width)}`);
  const unchanged = type === 'paused' ? 'goes on  ' : 'as it was';
  for (const instance of uncovered) terminal.err(`  ${paint('yellow', unchanged)}  ${nameOf(instance, width)}`);
  for (const { policy, reason } of remaining)
    terminal.err(
      `  ${paint('red', 'still paused')}: ${policy === undefined ? 'all policies' : `policy ${quoted(policy)}`}${reason && ` (${shown(reason)})`}`,
    );
  for (const line of elsewhereLines(switched, options, paint)) terminal.err(line);
}

function headline({ type }: Switched, { policy, reason }: SwitchOptions, nobody: boolean, paint: Paint): string {
  const scope = policy === undefined ? 'all policies' : `policy ${quoted(policy)}`;
  const later = nobody ? ', for those that start with it later' : '';
  return `${paint('bold', type)}: ${scope}${type === 'paused' && reason ? ` (${shown(reason)})` : ''}${later}`;
}

function nameOf({ pid, host, policy, upstream }: Instance, width: number): string {
  return shown(`${shown(policy ?? '(no name)', 40)}  pid ${pid} on ${shown(host, 40)}  guards ${shown(upstream)}`, width);
}

/** Others that run on this machine, each with the command that reaches it. */
function elsewhereLines({ type, elsewhere: { sight, proxies } }: Switched, { state }: SwitchOptions, paint: Paint): readonly string[] {
  const verb = type === 'paused' ? 'pause' : 'resume';
  const heading = `${paint('yellow', 'not reached')}: ${proxies.length === 1 ? 'a proxy' : `${proxies.length} proxies`} of this machine that ${proxies.length === 1 ? 'is' : 'are'} not in this state`;
  return [
    ...(proxies.length === 0 ? [] : [heading]),
    ...proxies.flatMap((proxy) => [`  ${seenOf(proxy)}`, `    ${adviceFor(proxy, verb, state.name)}`]),
    ...(sight === 'everyone'
      ? []
      : [
          sight === 'own'
            ? 'proxies of other users cannot be seen by this one'
            : 'proxies with another state cannot be seen on this system',
        ]),
  ];
}

function seenOf({ pid, user, config, state }: SeenProxy): string {
  const where = state === undefined ? 'its state cannot be seen' : `state ${shown(state, 200)}`;
  return `pid ${pid} of user ${user}  ${shown(config, 100)}  ${where}`;
}

function adviceFor({ user, home, state }: SeenProxy, verb: string, here: string): string {
  if (state === here) return 'it runs with a state that was replaced, or has not come so far yet: look again, or end it';
  const own = process.getuid?.();
  const become = own === undefined || user === own ? '' : `sudo -u '#${user}' `;
  const named = state === undefined ? '' : ` --state-dir ${inShell(state)}`;
  return `${become}${home === undefined ? '' : `env INTERCEPT_HOME=${inShell(home)} `}intercept ${verb}${named}`;
}

function inShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${shown(path, 500).replaceAll("'", "'\\''")}'`;
}

function quoted(name: string): string {
  return JSON.stringify(shown(name));
}
