/** A session between one agent and one server (wire.md): frames in, frames out, whatever carries them. */
import { isVisible } from '../core/match.ts';
import { readClientFrame } from '../mcp/frame.ts';
import type { Line } from '../mcp/lines.ts';
import { renderError } from '../mcp/reply.ts';
import { admit, dismiss } from './admit.ts';
import { answer } from './deliver.ts';
import type { ProxyDeps, Rulebook } from './deps.ts';
import { LIMITS, receiveFromAgent } from './from-agent.ts';
import { receiveFromServer } from './from-server.ts';
import { then } from './later.ts';
import { createPump } from './pump.ts';
import { type SentCall, settle } from './settle.ts';
import { createSession, type Session, type SessionOutput } from './state.ts';

export interface ProxySession {
  readonly id: string;
  fromAgent(lines: readonly Line[]): void;
  fromServer(lines: readonly Line[]): void;
  /** Frames taken in and not dealt with: past a few hundred, stop reading until `agentIdle` or `serverIdle`. */
  backlog(): { readonly agent: number; readonly server: number };
  /** Resolves when every frame of the agent was forwarded or answered. */
  agentIdle(): Promise<void>;
  serverIdle(): Promise<void>;
  /** Another policy is in force: tells the agent where other tools are visible now (wire.md §3). */
  policyChanged(before: Rulebook | undefined, after: Rulebook | undefined): void;
  /** Ends what has waited too long. To be called about once a second. */
  sweep(): Promise<void>;
  /** Answers everything that still waits, and settles it as unknown (I9). */
  end(why: string): Promise<void>;
}

/** Opens a session that writes to `output`. */
export function openSession(deps: ProxyDeps, output: SessionOutput): ProxySession {
  const session = createSession(deps, output);
  const fromAgent = createPump(
    (lines: readonly Line[]) => then(receiveFromAgent(lines, session), () => dismiss(lines, session)),
    (error, lines) => {
      dismiss(lines, session);
      abandon(error, lines, session);
    },
  );
  const fromServer = createPump(
    (lines: readonly Line[]) => receiveFromServer(lines, session),
    (error) => logFault(error, session),
  );
  return {
    id: session.id,
    fromAgent: (lines) =>
      session.over === undefined
        ? fromAgent.push(admit(lines, session))
        : answerEach(lines, { code: -32000, message: session.over }, session),
    fromServer: fromServer.push,
    backlog: () => ({ agent: fromAgent.backlog, server: fromServer.backlog }),
    async agentIdle() {
      await fromAgent.idle();
      await Promise.all(session.waiting);
    },
    serverIdle: fromServer.idle,
    policyChanged: (before, after) => announceTools(before, after, session),
    sweep: () => sweep(session),
    async end(why) {
      session.over = why;
      await end(why, session);
      // Frames that were taken in before, and judged meanwhile, went to nobody.
      await fromAgent.idle();
      await Promise.all(session.waiting);
      await end(why, session);
      // What was reserved for them is given back, and recorded, before whoever ends the session closes the audit.
      await session.outcomes.idle();
    },
  };
}

function logFault(error: unknown, { deps }: Session): void {
  deps.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof Error && error.stack) deps.log.debug(error.stack);
}

/** A fault of our own denies (I2) and still answers (I9): nothing of these frames was forwarded. */
function abandon(error: unknown, lines: readonly Line[], session: Session): void {
  logFault(error, session);
  answerEach(lines, { code: -32603, message: 'Internal policy error' }, session);
}

function answerEach(
  lines: readonly Line[],
  { code, message }: { readonly code: number; readonly message: string },
  session: Session,
): void {
  for (const line of lines) {
    const frame = line.kind === 'line' ? readClientFrame(line.bytes, LIMITS) : undefined;
    for (const item of frame?.kind === 'batch' ? frame.items : [frame]) {
      if (item?.kind !== 'request') continue;
      if (session.inflight.get(item.id.key)?.purpose.kind !== 'call') session.inflight.take(item.id.key);
      answer(renderError(item.id.text, code, message), undefined, session);
    }
  }
}

function announceTools(before: Rulebook | undefined, after: Rulebook | undefined, session: Session): void {
  const names = [...session.tools.catalog().tools.keys()];
  const sees = (rulebook: Rulebook | undefined, name: string) => rulebook !== undefined && isVisible(rulebook.policy, rulebook.match(name));
  if (!names.some((name) => sees(before, name) !== sees(after, name))) return;
  const { protocol, inflight, output } = session;
  if (protocol.initialized) output.toAgent(['{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}']);
  for (const { id } of inflight.listeners()) {
    const meta = `{"io.modelcontextprotocol/subscriptionId":${id.text}}`;
    output.toAgent([`{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":${meta}}}`]);
  }
}

async function sweep(session: Session): Promise<void> {
  const { deps, legs, inflight } = session;
  await keep(legs.expired(deps.clock()), 'no continuation came in time', session);
  if (deps.timeouts.upstream === 0) return;
  for (const request of inflight.expire(deps.monotonic() - deps.timeouts.upstream)) {
    if (request.purpose.kind === 'call') await keep([request.purpose.call], 'the server did not answer in time', session);
    answer(renderError(request.id.text, -32001, 'the server did not answer in time'), request.batch, session);
  }
}

async function end(why: string, session: Session): Promise<void> {
  const unanswered = session.inflight.drain();
  const calls = unanswered.flatMap(({ purpose }) => (purpose.kind === 'call' ? [purpose.call] : []));
  await keep([...calls, ...session.legs.drain(), ...session.tasks.drain()], why, session);
  for (const { id, batch, purpose } of unanswered) {
    if (purpose.kind === 'own') purpose.resolve(undefined);
    else answer(renderError(id.text, -32000, why), batch, session);
  }
}

/** SPEC: policy.md §6 — an unknown outcome stays spent. */
async function keep(calls: readonly SentCall[], why: string, session: Session): Promise<void> {
  if (calls.length === 0) return;
  const outcome = { result: 'kept', error: why } as const;
  await settle(
    calls.map((call) => ({ call, outcome })),
    session,
  );
}
