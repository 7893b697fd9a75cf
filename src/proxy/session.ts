/** A session between one agent and one server (wire.md): frames in, frames out, whatever carries them. */
import type { Json } from '../core/json.ts';
import { isVisible } from '../core/match.ts';
import type { Offer } from '../core/offer.ts';
import type { Client, Ports, Rulebook, Served } from '../engine/ports.ts';
import type { FrameBytes } from '../mcp/messages/frame.ts';
import type { RequestId } from '../mcp/messages/id.ts';
import type { Line } from '../mcp/messages/lines.ts';
import { answerAll, askedIn } from './deliver.ts';
import type { Exchange, Incoming, SessionOutput } from './exchange.ts';
import { receiveFromAgent, releaseBuffer, reserveBuffer } from './frames/from-agent.ts';
import { receiveFromServer, relayFromServer } from './frames/from-server.ts';
import { refreshTools } from './learn-tools.ts';
import { judgeHttp, limitsSpend } from './payments/challenge-answer.ts';
import { endAll, type Failure, fail, leave, sweep } from './requests/ending.ts';
import { createSession, type Session, type SessionOptions } from './state.ts';
import { createPump, hasLarge, readLarge, readLargeOfServer, weigh } from './turns.ts';

export interface ProxySession {
  readonly id: string;
  /** Frames of the agent, of one exchange where it has such; what they get for an answer goes to the output with the same exchange. */
  fromAgent(lines: readonly Incoming[], exchange?: Exchange): void;
  /** Frames of a server that writes to one place; what goes on goes to the output, with the exchange that it belongs to. */
  fromServer(lines: readonly Line[]): void;
  /**
   * One JSON body, or the data of one SSE event, that came on the stream of the agent's own. Answers with what may go on
   * in its place, there; nothing where it must not. To be asked in the order in which a stream brings them.
   */
  relay(line: Line): Promise<readonly FrameBytes[]>;
  /** The client closed this exchange's stream: its modern requests are cancelled, legacy ones go on (wire.md §5). */
  left(exchange: Exchange): void;
  /** These requests, by the ids that the server got, will have no answer of it. */
  upstreamFailed(ids: readonly RequestId[], failure: Failure): Promise<void>;
  /** True while the request that the server got under this id waits for its answer. */
  waitsFor(id: RequestId): boolean;
  /**
   * Judges the payment that an HTTP answer to these requests asks for (policy.md §8), a 402 (`isDemand`) or another refusal. Which of the
   * offers are to be taken out before it is passed on; `answered`: the requests got a denial, and nothing of it may go on.
   */
  judgeHttp(
    ids: readonly RequestId[],
    offers: readonly Offer[] | 'unreadable',
    isDemand: boolean,
  ): Promise<ReadonlySet<number> | 'all' | 'answered'>;
  /** True where only what was judged may ask for a payment in its headers. */
  limitsSpend(): boolean;
  /** Counts the requests of the exchange whose answer was not written yet; at 0 its stream may end. */
  waitingOn(exchange: Exchange): number;
  /** Counts the requests to the server that wait for an answer; subscriptions, which have none, do not count. */
  openRequests(): number;
  /** Frames taken in and not dealt with: past a few hundred, stop reading until `agentTaken` or `serverIdle`. */
  backlog(): { readonly agent: number; readonly server: number };
  /** Resolves when every frame of the agent was forwarded or answered. */
  agentIdle(): Promise<void>;
  /** The same, but for calls that are kept open: one may wait for a human, and what comes after it must not. */
  agentTaken(): Promise<void>;
  serverIdle(): Promise<void>;
  /** The agent will send no more: what is kept open for an approval or an identical call is answered, and nothing of it forwarded. */
  agentGone(): void;
  /** The schema of a tool's arguments, for the headers of 2026-07-28; undefined where it is not known. */
  inputSchemaOf(tool: string): Json | undefined;
  /** The revision that a handshake agreed on. */
  protocolVersion(): string | undefined;
  /** Asks the server for its tools anew: it refused a request because its headers did not fit (-32020). Never rejects. */
  refreshTools(): Promise<void>;
  /** Another policy is in force: notifies the agent where other tools are visible now (wire.md §3). */
  policyChanged(before: Rulebook | undefined, after: Rulebook | undefined): void;
  /** Ends what has waited too long. To be called about once a second. */
  sweep(): Promise<void>;
  /** Answers everything that still waits, and settles it as unknown (I9). */
  end(why: string): Promise<void>;
}

/** Opens a session that writes to `output`. */
export function openSession(ports: Ports, served: Served, client: Client, output: SessionOutput, options?: SessionOptions): ProxySession {
  const session = createSession(ports, served, client, output, options);
  const fromAgent = createPump<Incoming>({
    async work(lines) {
      await receiveFromAgent(hasLarge(lines) ? await readLarge(lines, session) : lines, session);
      releaseBuffer(lines, session);
    },
    onFault: (error, lines) => {
      releaseBuffer(lines, session);
      abandon(error, lines, session);
    },
    weigh,
  });
  const fromServer = createPump<Line>({
    work: async (lines) => receiveFromServer(hasLarge(lines) ? await readLargeOfServer(lines) : lines, session),
    onFault: (error) => logFault(error, session),
    weigh,
  });
  const agentIdle = async () => {
    await fromAgent.idle();
    await Promise.all(session.waiting);
  };
  return {
    id: session.id,
    fromAgent(received, exchange) {
      const lines = exchange ? received.map((line) => ({ ...line, exchange })) : received;
      if (session.over === undefined) fromAgent.push(reserveBuffer(lines, session));
      else answerEach(lines, { code: -32000, message: session.over }, session);
    },
    fromServer: fromServer.push,
    relay: (line) => relay(line, session),
    left: (exchange) => leave(exchange, session),
    upstreamFailed: (ids, failure) => fail(ids, failure, session),
    waitsFor: ({ key }) => session.inflight.get(key) !== undefined,
    judgeHttp: (ids, offers, isDemand) => judgeHttp(ids, offers, isDemand, session),
    limitsSpend: () => limitsSpend(session),
    waitingOn: (exchange) => session.inflight.waitingOn(exchange) + session.inflight.answering.of(exchange),
    openRequests: () => session.inflight.open(),
    backlog: () => ({ agent: fromAgent.backlog, server: fromServer.backlog }),
    agentIdle,
    agentTaken: fromAgent.idle,
    serverIdle: fromServer.idle,
    agentGone: session.waits.close,
    inputSchemaOf: (tool) => session.tools.catalog.tools.get(tool)?.inputSchema,
    protocolVersion: () => session.protocol.version,
    refreshTools: () => refreshTools(session),
    policyChanged: (before, after) => announceTools(before, after, session),
    sweep: () => sweep(session),
    async end(why) {
      session.over = why;
      session.waits.close();
      await endAll(why, session);
      // Frames that were taken in before, and judged meanwhile, went to nobody.
      await agentIdle();
      await endAll(why, session);
      // What was reserved for them is given back, and recorded, before whoever ends the session closes the audit.
      await session.outcomes.idle();
    },
  };
}

async function relay(line: Line, session: Session): Promise<readonly FrameBytes[]> {
  const [read = line] = hasLarge([line]) ? await readLargeOfServer([line]) : [line];
  return relayFromServer(read, session);
}

function logFault(error: unknown, { ports }: Session): void {
  ports.log.error(`internal fault: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof Error && error.stack) ports.log.debug(error.stack);
}

/** A fault of our own denies (I2) and still answers (I9): nothing of these frames was forwarded. */
function abandon(error: unknown, lines: readonly Incoming[], session: Session): void {
  logFault(error, session);
  answerEach(lines, { code: -32603, message: 'Internal policy error' }, session);
}

function answerEach(lines: readonly Incoming[], error: { readonly code: number; readonly message: string }, session: Session): void {
  for (const line of lines) {
    const asked = askedIn(line, session);
    for (const id of asked.ids) if (id) forget(id, line.exchange, session);
    answerAll(asked, error, line.exchange, session);
  }
}

/** Forgets a request that failed before it was sent. */
function forget(id: RequestId, exchange: Exchange | undefined, { inflight }: Session): void {
  for (const request of [...inflight.all()])
    if (request.id.key === id.key && request.to?.exchange === exchange && request.purpose.kind !== 'call')
      inflight.take(request.sentAs.key);
}

function announceTools(before: Rulebook | undefined, after: Rulebook | undefined, session: Session): void {
  const names = [...session.tools.catalog.tools.keys()];
  const sees = (rulebook: Rulebook | undefined, name: string) => rulebook !== undefined && isVisible(rulebook.policy, rulebook.match(name));
  if (!names.some((name) => sees(before, name) !== sees(after, name))) return;
  const { protocol, inflight, output } = session;
  if (protocol.initialized) output.toAgent(['{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'], undefined);
  for (const { id, to, purpose } of inflight.all()) {
    if (purpose.kind !== 'listen' || !purpose.toolChanges) continue;
    const meta = `{"io.modelcontextprotocol/subscriptionId":${id.text}}`;
    output.toAgent([`{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":${meta}}}`], to?.exchange);
  }
}
