/** A session between a scripted agent and a scripted server, in one process: real parts but for the clock, the sink and the wires. */
import { createHash } from 'node:crypto';
import type { AuditEvent, AuditSink, CallEvent, OutcomeEvent } from '../../src/core/audit.ts';
import { createMatcher } from '../../src/core/match.ts';
import { prepareOwnPaths } from '../../src/core/own-path.ts';
import type { Pause, Records, Store } from '../../src/core/store.ts';
import { watchApprovals } from '../../src/engine/approval-watch.ts';
import { createLeases } from '../../src/engine/leases.ts';
import type { Client, Ports, Rulebook, Served } from '../../src/engine/ports.ts';
import type { Line } from '../../src/mcp/messages/lines.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { loadSchemaCompiler } from '../../src/policy/schema/schema.ts';
import type { SessionOutput } from '../../src/proxy/exchange.ts';
import { openSession, type ProxySession } from '../../src/proxy/session.ts';
import type { SessionOptions } from '../../src/proxy/state.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';

export const START = Date.parse('2026-03-01T10:00:00Z');
export const DECISION = 'policylayer.com/decision';

export interface Message {
  readonly jsonrpc?: string;
  readonly id?: string | number | null;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Readonly<Record<string, unknown>> };
}

/** What the server answers to a request: the members of its answer, or undefined for silence. */
export type Responder = (request: Message) => object | undefined;

export interface Options {
  readonly policy?: string;
  readonly agent?: string;
  /** What tells this session's ids from those of others on the same store. */
  readonly idPrefix?: string;
  /** Where it throws, the proxy fails in the middle of its work. */
  readonly beforeId?: () => void;
  readonly failMode?: 'closed' | 'open';
  readonly store?: Store & Records;
  readonly respond?: Responder;
  readonly approvalWait?: number;
  readonly approvalPage?: (id: string) => string;
  readonly timeouts?: Partial<Ports['timeouts']>;
  readonly wrapAudit?: (sink: AuditSink) => AuditSink;
  readonly wrapOutput?: (output: SessionOutput) => SessionOutput;
  readonly carried?: SessionOptions;
  readonly ownPaths?: readonly string[];
  readonly loadSchemaCompiler?: Ports['loadSchemaCompiler'];
}

export interface Rig {
  readonly session: ProxySession;
  readonly ports: Ports;
  readonly served: Served;
  readonly client: Client;
  readonly store: Store & Records;
  readonly events: AuditEvent[];
  /** Every message the agent got, and every one the server got; arrays are batches. */
  readonly agent: (Message | Message[])[];
  readonly server: Message[];
  /** What the server got, as text. */
  readonly serverTexts: string[];
  readonly logged: string[];
  pause: Pause | 'unknown' | undefined;
  /** Moves both clocks. */
  advance(ms: number): void;
  /** The agent writes these messages at once; resolves when all is quiet. */
  send(...messages: readonly (object | string)[]): Promise<void>;
  /** The server writes these messages at once. */
  say(...messages: readonly (object | string)[]): Promise<void>;
  request(method: string, params?: object, id?: string | number): Promise<Message | undefined>;
  call(tool: string, args?: object, more?: object): Promise<Message | undefined>;
  reload(policy: string | undefined): Promise<void>;
  idle(): Promise<void>;
  answersTo(id: string | number): Message[];
  calls(): CallEvent[];
  outcomes(): OutcomeEvent[];
  /** Calls that the server got, by tool. */
  executed(): string[];
  counted(): Promise<number[]>;
}

export const OK = { content: [{ type: 'text', text: 'done' }] };

/** Answers every request with an empty result, calls with text. */
export const agreeable: Responder = ({ method }) => ({ result: method === 'tools/call' ? OK : {} });

export async function rulebook(text: string): Promise<Rulebook> {
  const { policy, diagnostics } = await loadPolicyText(text);
  if (!policy) throw new Error(`the test's policy does not load: ${JSON.stringify(diagnostics)}`);
  return { policy, match: createMatcher(policy) };
}

export function lines(messages: readonly (object | string)[]): Line[] {
  return messages.map((message) => ({
    kind: 'line',
    bytes: new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify(message)),
  }));
}

export async function openRig(options: Options = {}): Promise<Rig> {
  let now = START;
  let rules: Rulebook | undefined = await rulebook(options.policy ?? 'version: "1"\n');
  const clock = () => now;
  const store = options.store ?? openMemoryStore({ clock, namespace: 'test' });
  const events: AuditEvent[] = [];
  const agent: (Message | Message[])[] = [];
  const server: Message[] = [];
  const serverTexts: string[] = [];
  const logged: string[] = [];
  let ids = 0;
  const sink: AuditSink = { write: (written) => void events.push(...written), use() {}, close() {} };
  const log = (text: string) => void logged.push(text);
  const ports: Ports = {
    pauses: {
      current: () => {
        if (rig.pause === 'unknown') throw new Error('the pause could not be read');
        return rig.pause;
      },
      known: () => (rig.pause === 'unknown' ? undefined : rig.pause),
    },
    store,
    leases: createLeases({ store, log: { warn: log, error: log } }),
    approvals: watchApprovals({ approvals: store.approvals, log: { debug: log } }),
    approvalWait: options.approvalWait ?? 0,
    approvalPage: options.approvalPage,
    sign: (text) => createHash('sha256').update(`key ${text}`).digest('hex'),
    audit: options.wrapAudit?.(sink) ?? sink,
    log: { debug: log, info: log, warn: log, error: log },
    clock,
    monotonic: () => now - START,
    newId: () => {
      options.beforeId?.();
      return `${options.idPrefix ?? 'i'}${++ids}`;
    },
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    openSha256: () => createHash('sha256'),
    loadSchemaCompiler: options.loadSchemaCompiler ?? loadSchemaCompiler,
    timeouts: { upstream: 0, listing: 5_000, ...options.timeouts },
  };
  const served: Served = {
    rules: {
      get current() {
        return rules;
      },
    },
    upstream: 'server',
    shownUpstream: 'server',
    namespace: 'test',
    own: options.ownPaths && prepareOwnPaths(options.ownPaths),
    failMode: options.failMode ?? 'closed',
    toolsListed: () => {},
  };
  const client: Client = { agent: options.agent, credential: undefined };
  const plain: SessionOutput = {
    toServer(frames) {
      for (const { bytes } of frames) {
        const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
        const message = JSON.parse(text) as Message;
        serverTexts.push(text);
        server.push(message);
        const answer = message.method !== undefined && message.id !== undefined ? options.respond?.(message) : undefined;
        if (answer) rig.session.fromServer(lines([{ jsonrpc: '2.0', id: message.id, ...answer }]));
      }
    },
    toAgent(frames) {
      for (const frame of frames) agent.push(JSON.parse(typeof frame === 'string' ? frame : new TextDecoder().decode(frame)));
    },
  };
  const rig: Rig = {
    session: undefined as unknown as ProxySession,
    ports,
    served,
    client,
    store,
    events,
    agent,
    server,
    serverTexts,
    logged,
    pause: undefined,
    advance(ms) {
      now += ms;
    },
    async send(...messages) {
      rig.session.fromAgent(lines(messages));
      await rig.idle();
    },
    async say(...messages) {
      rig.session.fromServer(lines(messages));
      await rig.idle();
    },
    async request(method, params, id = `r${++ids}`) {
      await rig.send({ jsonrpc: '2.0', id, method, ...(params && { params }) });
      return rig.answersTo(id)[0];
    },
    call: (tool, args = {}, more = {}) => rig.request('tools/call', { name: tool, arguments: args, ...more }),
    async reload(policy) {
      const before = rules;
      rules = policy === undefined ? undefined : await rulebook(policy);
      rig.session.policyChanged(before, rules);
    },
    async idle() {
      await rig.session.agentIdle();
      await rig.session.serverIdle();
    },
    answersTo: (id) => agent.flat().filter((message) => message.id === id && message.method === undefined),
    calls: () => events.filter((event) => event.type === 'tool_call'),
    outcomes: () => events.filter((event) => event.type === 'outcome'),
    executed: () => server.filter(({ method }) => method === 'tools/call').map(({ params }) => params.name),
    counted: async () => (await store.counters()).map(({ micros }) => micros / 1e6),
  };
  (rig as { session: ProxySession }).session = openSession(ports, served, client, options.wrapOutput?.(plain) ?? plain, options.carried);
  return rig;
}

/** What an answer says of its decision: the text, the code, or that it is the server's own. */
export function verdict(answer: Message | undefined): string {
  if (!answer) return 'none';
  if (answer.error) return `error ${answer.error.code}`;
  const decision = answer.result?._meta?.[DECISION];
  return decision ? `${decision.outcome} ${decision.code}` : 'server';
}

export const MODERN = '2026-07-28';
export const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'modern-agent', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** The legacy handshake, answered by the server with `version`. */
export async function handshake(rig: Rig, version: string): Promise<void> {
  rig.session.fromAgent(
    lines([
      {
        jsonrpc: '2.0',
        id: 'init',
        method: 'initialize',
        params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 'legacy-agent', version: '1' } },
      },
    ]),
  );
  await rig.session.agentIdle();
  if (rig.answersTo('init').length === 0)
    await rig.say({
      jsonrpc: '2.0',
      id: 'init',
      result: { protocolVersion: version, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
    });
  await rig.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
}

/** Lets what waits for nothing go on, within this turn of the event loop. */
export async function withinTurn(): Promise<void> {
  for (let step = 0; step < 100; step++) await Promise.resolve();
}
