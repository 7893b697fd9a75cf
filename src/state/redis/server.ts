/**
 * A store on a server (scale.md §4 to §6): one connection, on which scripts are numbered, so that what was lost is found
 * out. Nothing is sent twice; where it is not known whether something ran, it is told so.
 */
import { randomUUID } from 'node:crypto';
import { StoreError } from '../../core/store.ts';
import { BEGIN, type ClockWatch, FENCE, type Fence, ROLL, SIGNED, watchClock } from './fence.ts';
import { KEYS } from './keys.ts';
import { checked, type Link, type RedisReply, ServerError } from './link.ts';
import type { Script } from './script.ts';

/** The knowledge that this host keeps of a store, across its processes (scale.md §6). */
export interface Remembered {
  readonly epoch: string;
  readonly tick: number;
  /** The hash of the approver secret: put back where the store has lost it. */
  readonly secret?: string | undefined;
}

export interface StateServerOptions {
  /** Connects to what is the primary now, and has looked at it. Rejects with `StoreError`. */
  readonly connect: (timeoutMs: number) => Promise<Connected>;
  readonly timeoutMs: number;
  /** A clock in place of the server's, for tests: nothing expires then. */
  readonly clock?: (() => number) | undefined;
  readonly memory?: { read(): Remembered | undefined; write(remembered: Remembered): void } | undefined;
}

export interface Connected {
  readonly link: Link;
  /** The server process's own id. */
  readonly run: string;
  /** The number of replicas that are to have a write, where this begins a store. */
  readonly replicas: number;
}

export interface Server {
  readonly instance: string;
  readonly clock: (() => number) | undefined;
  /** Sends commands on which no decision hangs, most of which only read. Rejects with `StoreError`. */
  read(commands: readonly (readonly string[])[]): Promise<readonly (RedisReply | ServerError)[]>;
  /**
   * Runs a guarded script. `isKept`: as many replicas have it as the store asks for. Rejects with `StoreError`; the one
   * whose `cause` is `UNSURE` may have run.
   */
  run(script: Script, keys: readonly string[], args: readonly string[], only?: ServerPlace): Promise<Ran>;
  /** The store that this instance has joined: after a loss that was accepted it is another one. */
  readonly epoch: string;
  /** Compares a time of the server's that came with a reply. Rejects with `StoreError` where its clock moved. */
  heard(server: number): Promise<void>;
  /** Keeps how many writes the store has seen, for the next process of this host. */
  remember(tick: number, secret: string | undefined): void;
  /** Forgets this instance on the server, as far as it can be reached, and ends the connection. */
  close(): Promise<void>;
}

export interface Ran {
  readonly reply: readonly RedisReply[];
  readonly isKept: boolean;
  readonly place: Pick<ServerPlace, 'epoch'> & { readonly run: string };
}

/** The store, and the server process, at which something ran. What is to run there and nowhere else names it. */
export interface ServerPlace {
  readonly epoch: string;
  readonly run?: string | undefined;
  /** No replica has to have it, and nothing that comes behind waits for one. */
  readonly isUnconfirmed?: boolean;
}

const SCHEMA = 1;
/** Errors of a server that ran nothing, and is not the one to ask now. */
const ELSEWHERE = /^(?:MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY)\b/;
const LOST = 'the state server lost writes; see "intercept state"';
/** Reconnects after so long, ms, doubled up to the last. */
const FIRST_WAIT = 50;
const LAST_WAIT = 1_000;
/** Calls go by a reading of the pauses that is no older than a second (policy.md §11), ms. */
const STALE = 1_100;

/** The cause of an error after which nobody knows whether a script ran. */
export const UNSURE = Symbol('unsure');

interface State {
  connected: Connected | undefined;
  connecting: Promise<void> | undefined;
  epoch: string;
  replicas: number;
  /** The numbers of the newest script that was sent, and that was answered. */
  sent: number;
  answered: number;
  tries: number;
  nextTryAt: number;
  remembered: number;
  /** Nothing is asked before this, monotonic ms. */
  notBefore: number;
  closed: boolean;
}

/** Connects and begins or joins the store. Rejects with `StoreError`. */
export async function openServer(options: StateServerOptions): Promise<Server> {
  const state: State = {
    ...{ connected: undefined, connecting: undefined, epoch: '', replicas: 0, sent: 0, answered: 0 },
    ...{ tries: 0, nextTryAt: 0, remembered: -1, notBefore: 0, closed: false },
  };
  const instance = randomUUID();
  const clocks = watchClock(Date.now, () => performance.now());
  await connect(state, options, instance, options.timeoutMs);
  const server: Server = {
    instance,
    clock: options.clock,
    async read(commands) {
      const { link } = await ready(state, options, instance);
      return link.send(commands, options.timeoutMs);
    },
    get epoch() {
      return state.epoch;
    },
    run: (script, keys, args, only) => runScript(script, keys, args, only, state, options, instance),
    heard: (time) => compareClock(time, clocks, state, options, instance),
    remember(tick, secret) {
      if (tick === state.remembered) return;
      state.remembered = tick;
      options.memory?.write({ epoch: state.epoch, tick, secret });
    },
    async close() {
      if (state.closed) return;
      state.closed = true;
      const link = state.connected?.link;
      if (link?.isOpen)
        await link
          .send(
            [KEYS.applied, KEYS.seen].map((key) => ['HDEL', key, instance]),
            Math.min(options.timeoutMs, LAST_WAIT),
          )
          .catch(() => {});
      link?.close();
    },
  };
  return server;
}

async function connect(state: State, options: StateServerOptions, instance: string, timeoutMs: number): Promise<void> {
  const connected = await options.connect(timeoutMs);
  try {
    await join(connected, state, options, instance, timeoutMs);
  } catch (error) {
    connected.link.close();
    throw error;
  }
  if (state.closed) return connected.link.close();
  state.connected = connected;
  state.tries = 0;
}

/** INVARIANT I4: a store that this host knew and that is another one now begins no limits anew: it is fenced. */
async function join(connected: Connected, state: State, options: StateServerOptions, instance: string, timeoutMs: number): Promise<void> {
  const { link, run, replicas } = connected;
  const known = state.epoch === '' ? options.memory?.read() : { epoch: state.epoch, tick: 0 };
  const fresh = known === undefined ? randomUUID() : '';
  const [reply] = await link.send([['EVAL', BEGIN.text, '1', KEYS.head, String(SCHEMA), fresh, run, String(replicas)]], timeoutMs);
  const [schema, epoch, , asked, tick, fence, adopted] = checked(reply) as readonly (string | null)[];
  if (Number(schema ?? SCHEMA) > SCHEMA)
    throw new StoreError(`the state server has schema version ${schema}, this program knows ${SCHEMA}; use a newer program`);
  const isAnother = known !== undefined && epoch !== known.epoch && !(adopted ?? '').split(' ').includes(known.epoch);
  if (isAnother) throw await fenced(link, 'the store is another one than before', known.epoch, instance, timeoutMs);
  if (known && epoch === known.epoch && Number(tick) < known.tick)
    throw await fenced(link, `it has ${tick} of ${known.tick} writes that were made`, known.epoch, instance, timeoutMs);
  if (epoch !== state.epoch) state.sent = state.answered = 0;
  // What was read of pauses before the loss is older than calls go by, until this is over.
  if (state.epoch !== '' && epoch !== state.epoch) state.notBefore = performance.now() + STALE;
  state.epoch = epoch ?? '';
  state.replicas = Number(asked ?? 0);
  if (fence) throw fenceError(fence);
  await callRoll(link, run, state, options, instance, timeoutMs);
  options.memory?.write({ ...options.memory.read(), epoch: state.epoch, tick: Number(tick) });
}

async function fenced(link: Link, why: string, epoch: string, instance: string, timeoutMs: number): Promise<StoreError> {
  const fence: Fence = { why, by: instance, at: Date.now() };
  const [reply] = await link.send([['EVAL', FENCE.text, '1', KEYS.head, JSON.stringify(fence), epoch]], timeoutMs);
  return fenceError(typeof reply === 'string' ? reply : JSON.stringify(fence));
}

function fenceError(text: string): StoreError {
  const { why } = JSON.parse(text) as Fence;
  return new StoreError(`${LOST}: ${why}`);
}

/** Compares what this instance has written, and waits until the others have done so, 2 s at most. */
async function callRoll(
  link: Link,
  run: string,
  state: State,
  options: StateServerOptions,
  instance: string,
  timeoutMs: number,
): Promise<void> {
  const keys = [KEYS.head, KEYS.applied, KEYS.seen, SIGNED];
  const deadline = performance.now() + Math.max(timeoutMs, LONGEST_ROLL);
  for (;;) {
    const args = [instance, String(state.answered), run, options.clock ? String(options.clock()) : ''];
    const [reply] = await link.send([['EVAL', ROLL.text, '4', ...keys, ...args]], timeoutMs);
    const [kind, applied] = checked(reply) as readonly string[];
    if (kind === 'ok') return;
    if (kind === 'lost') throw await fenced(link, lostWrites(applied, state), state.epoch, instance, timeoutMs);
    if (performance.now() > deadline) throw new StoreError('the state server was started anew, and others compare what they wrote');
    await new Promise((resolve) => setTimeout(resolve, ROLL_EVERY));
  }
}

const LONGEST_ROLL = 2_500;
const ROLL_EVERY = 50;

function lostWrites(applied: string | undefined, { answered }: State): string {
  return `it has ${applied ?? 0} of ${answered} writes that it acknowledged to one instance`;
}

/** The connection; where there is none one is made in the background, and nobody waits for it. */
async function ready(state: State, options: StateServerOptions, instance: string): Promise<Connected> {
  if (state.closed) throw new StoreError('the store is closed');
  if (state.connected?.link.isOpen) return rested(state.connected, state);
  state.connected = undefined;
  const now = performance.now();
  if (state.connecting === undefined && now >= state.nextTryAt) {
    state.nextTryAt = now + Math.min(FIRST_WAIT * 2 ** state.tries++, LAST_WAIT);
    state.connecting = connect(state, options, instance, Math.max(options.timeoutMs, LAST_WAIT)).finally(() => {
      state.connecting = undefined;
    });
    state.connecting.catch(() => {});
  }
  if (state.connecting) {
    await Promise.race([state.connecting, new Promise((resolve) => setTimeout(resolve, options.timeoutMs))]);
    const connected = (state as { connected: Connected | undefined }).connected;
    if (connected) return rested(connected, state);
  }
  throw new StoreError('the state server cannot be reached');
}

/** Keeps everybody from a store that was just accepted after a loss, until its pauses can have been read. */
function rested(connected: Connected, { notBefore }: State): Connected {
  if (performance.now() >= notBefore) return connected;
  throw new StoreError('the store was accepted after a loss, and its pauses are read first');
}

async function runScript(
  script: Script,
  keys: readonly string[],
  args: readonly string[],
  only: ServerPlace | undefined,
  state: State,
  options: StateServerOptions,
  instance: string,
): Promise<Ran> {
  const deadline = performance.now() + options.timeoutMs;
  for (let tries = 0; ; tries++) {
    const { link, run } = await ready(state, options, instance);
    const { epoch, answered, replicas } = state;
    if (only && (only.epoch !== epoch || (only.run ?? run) !== run)) throw new StoreError('the state server is another one by now');
    // What is sent too late for an answer would be spent, for nothing.
    if (performance.now() >= deadline) throw new StoreError('the state server does not answer in time');
    const number = ++state.sent;
    const guard = {
      i: instance,
      n: number,
      a: answered,
      e: epoch,
      r: run,
      x: !options.clock,
      ...(options.clock ? { t: options.clock() } : {}),
    };
    const rest = Math.max(1, Math.round(deadline - performance.now()));
    const head = tries === 0 ? ['EVALSHA', script.hash] : ['EVAL', script.text];
    const command = [...head, String(keys.length), ...keys, JSON.stringify(guard), ...args];
    const waits = replicas > 0 && !only?.isUnconfirmed;
    const wait = waits ? [['WAIT', String(replicas), String(Math.max(10, rest - WAIT_STEP))]] : [];
    const [reply, kept] = await link.send([command, ...wait], rest + (waits ? WAIT_STEP : 0)).catch((error: StoreError) => {
      throw new StoreError(error.message, { cause: UNSURE });
    });
    if (reply instanceof ServerError) {
      if (reply.message.startsWith('NOSCRIPT')) continue;
      if (!ELSEWHERE.test(reply.message)) checked(reply);
      link.close();
      continue;
    }
    const [kind, about] = reply as readonly RedisReply[];
    if (kind === 'roll') await callRoll(link, run, state, options, instance, options.timeoutMs);
    else if (kind === 'fenced') throw fenceError(String(about));
    else if (kind === 'replaced' || kind === 'lost') throw await readOrFence(kind, String(about), link, state, options, instance);
    else if (kind === 'stale') throw new StoreError('the state server took another number of this instance');
    else {
      const isKept = replicas === 0 || (typeof kept === 'number' && kept >= replicas);
      // What others wrote in between is no write of this one; what too few replicas have may be gone, and nobody goes by it.
      if (isKept && kind !== 'again') state.answered = Math.max(state.answered, number);
      return { reply: reply as readonly RedisReply[], isKept, place: { epoch, run } };
    }
  }
}

/** Servers look at waits that are over ten times a second, so that one may take this much longer, ms. */
const WAIT_STEP = 150;

async function readOrFence(
  kind: string,
  about: string,
  link: Link,
  state: State,
  options: StateServerOptions,
  instance: string,
): Promise<StoreError> {
  if (kind === 'lost') return fenced(link, lostWrites(about, state), state.epoch, instance, options.timeoutMs);
  if (about === '') return fenced(link, 'the store is another one than before', state.epoch, instance, options.timeoutMs);
  // A human may have gone on with what is there: then joining anew is enough.
  link.close();
  return new StoreError(`${LOST}: the store is another one than before`);
}

async function compareClock(time: number, clocks: ClockWatch, state: State, options: StateServerOptions, instance: string): Promise<void> {
  if (options.clock || clocks.agrees(time) || !state.connected) return;
  throw await fenced(state.connected.link, 'the clock of the state server moved', state.epoch, instance, options.timeoutMs);
}
