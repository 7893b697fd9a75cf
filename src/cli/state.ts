/** `intercept state`: the server that keeps the state (scale.md §1, §6). */
import { checkApprover } from '../approval/secret.ts';
import { CommandError, EXIT } from '../core/fault.ts';
import { moveContent } from '../run/move.ts';
import type { OwnPlaces } from '../run/own-folders.ts';
import { shown } from './paint.ts';
import { spanOf } from './spans.ts';
import type { Terminal } from './terminal.ts';

interface StateOptions extends Pick<OwnPlaces, 'state'> {
  readonly json: boolean;
}

type StateLocation = OwnPlaces['state'];
type StateServerPort = NonNullable<StateLocation['server']>;

type Server = Awaited<ReturnType<StateServerPort['describe']>>;

/** Shows the server; status 1 where it is fenced. */
export async function showState({ state, json }: StateOptions, terminal: Terminal): Promise<number> {
  const server = await serverOf(state).describe();
  if (json) terminal.out(JSON.stringify(jsonOf(state, server), undefined, 2));
  else for (const line of render(state, server)) terminal.out(line);
  return server.fence ? EXIT.failed : EXIT.done;
}

function jsonOf(state: StateLocation, { fence, ...server }: Server): object {
  const { software, version, replicas, replicasAsked, hasAof, hasRdb, usedMemory, maxmemory, keys, epoch, writes, instances } = server;
  return {
    ...{ state: state.name, software, version, role: 'primary', replicas, replicas_asked: replicasAsked, aof: hasAof, rdb: hasRdb },
    ...{ memory_bytes: usedMemory, max_memory_bytes: maxmemory || null, keys, epoch: epoch ?? null, writes, instances },
    fence: fence ? { why: fence.why, by: fence.by, at: new Date(fence.at).toISOString() } : null,
  };
}

function render(state: StateLocation, server: Server): readonly string[] {
  const { software, version, replicas, replicasAsked, hasAof, usedMemory, keys, epoch, writes, instances, fence } = server;
  const kept = hasAof ? 'kept through a restart (AOF)' : replicas > 0 ? 'kept by replicas alone' : 'nothing is kept when it ends';
  return [
    ...(fence ? [`FENCED ${spanOf(Date.now() - fence.at)} ago: ${shown(fence.why, 500)}`, ''] : []),
    `server     ${shown(state.name, 500)}`,
    `           ${software} ${version}, primary, ${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`,
    `writes     a call waits for ${replicasAsked === 0 ? 'the server alone' : `${replicasAsked} of its replicas`}; ${kept}`,
    epoch === undefined
      ? 'store      none yet: no proxy has run with it'
      : `store      ${writes} writes by ${instances} ${instances === 1 ? 'instance' : 'instances'} that run, ${keys} keys, ${MEBIBYTES(usedMemory)}`,
    ...(fence
      ? ['', 'Calls that need the store are denied. Look at what was lost, then run', '  intercept state reset --accept-loss']
      : []),
  ];
}

const MEBIBYTES = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

/** Says how many replicas a call waits for; fewer only by who has the approver secret, where there is one. */
export async function askReplicas({ state, json, count }: StateOptions & { readonly count: number }, terminal: Terminal): Promise<number> {
  const server = serverOf(state);
  const before = (await server.describe()).replicasAsked;
  if (count < before) await state.withRecords(({ approvals }) => checkApprover(approvals, terminal.env));
  await server.setReplicas(count);
  if (json) terminal.out(JSON.stringify({ state: state.name, replicas_asked: count, before }));
  else
    terminal.out(
      `a call now waits for ${count === 0 ? 'no replica' : `${count} ${count === 1 ? 'replica' : 'replicas'}`} (before: ${before})`,
    );
  return EXIT.done;
}

export interface ResetOptions extends StateOptions {
  readonly fill: boolean;
  readonly by: string;
}

/** Goes on after a loss. */
export async function resetState({ state, json, fill, by }: ResetOptions, terminal: Terminal): Promise<number> {
  const server = serverOf(state);
  await checkApprover({ secret: () => server.secret() }, terminal.env);
  const fence = await server.reset({ by, now: Date.now(), fill });
  if (json) terminal.out(JSON.stringify({ state: state.name, lifted: fence?.why ?? null, filled: fill, paused: true }));
  else {
    terminal.out(fence ? `the fence is lifted: ${shown(fence.why, 500)}` : 'there was no fence; the store has a new epoch');
    terminal.out('approved calls need a new approval, calls in flight are of unknown outcome, and everything is paused');
    terminal.out('look at "intercept status", then run "intercept resume"');
  }
  return EXIT.done;
}

export interface MoveOptions extends StateOptions {
  readonly to: StateLocation;
}

/** Moves everything, while nothing runs with it, and leaves the old state paused. */
export async function moveState({ state, json, to }: MoveOptions, terminal: Terminal): Promise<number> {
  await state.withRecords(({ approvals }) => checkApprover(approvals, terminal.env));
  const moved = await moveContent(state, to, Date.now());
  if (json) terminal.out(JSON.stringify({ from: state.name, to: to.name, ...moved }));
  else {
    terminal.out(
      `moved ${many(moved.counters, 'counter')}, ${many(moved.approvals, 'approval')} and ${many(moved.claims, 'idempotent call')}`,
    );
    terminal.out(`  from  ${shown(state.name, 500)} (now paused, so that nothing counts there any more)`);
    terminal.out(`  to    ${shown(to.name, 500)}`);
  }
  return EXIT.done;
}

function many(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function serverOf(state: StateLocation): StateServerPort {
  if (state.server) return state.server;
  throw new CommandError(
    `the state is in the folder ${JSON.stringify(state.name)}, on no server`,
    EXIT.failed,
    'name a server with --state-dsn, or see "intercept status"',
  );
}
