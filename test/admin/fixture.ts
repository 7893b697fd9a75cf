/** An admin server of its own for each test, on a store in memory and a clock that the test moves. */
import { afterEach, beforeEach } from 'bun:test';
import type { Door } from '../../src/admin/door.ts';
import { openAdminServer } from '../../src/admin/server.ts';
import type { HoldRequest } from '../../src/core/approval.ts';
import type { Records, Store } from '../../src/core/store.ts';
import { readJson } from '../../src/mcp/json/values.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';
import type { Loose } from '../harness/message.ts';
import { approvalOf, type Clock, clockAt, held } from '../state/calls.ts';

export const TOKEN = 'token-token-token-token-token-token-token-43c';

export interface Asked {
  readonly method?: string;
  /** Null: none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Loose;
}

export interface Desk {
  readonly store: Store & Records;
  readonly clock: Clock;
  readonly origin: string;
  readonly port: number;
  /** What the audit was told. */
  readonly records: { readonly type: string; readonly fields: Readonly<Record<string, unknown>> }[];
  /** ms that the page's rule about time sees; they do not pass by themselves. */
  elapsed: number;
  /** Who runs the proxy, as the system says. */
  operator: string;
  /** Opens a record; answers with its id. */
  hold(fingerprint?: string, more?: Partial<HoldRequest>): Promise<string>;
  ask(path: string, asked?: Asked): Promise<Reply>;
  protect(secret: string): Promise<void>;
}

/** The desk of the running test. */
export function useDesk(): Desk {
  let store: Store & Records;
  let clock: Clock;
  let server: Door;
  const desk: Desk = {
    get store() {
      return store;
    },
    get clock() {
      return clock;
    },
    get origin() {
      return server.origin;
    },
    get port() {
      return server.port;
    },
    elapsed: 0,
    operator: 'operator',
    records: [],
    hold: async (fingerprint = 'f', more = {}) => approvalOf((await store.reserve([held(fingerprint, more)]))[0]).id,
    ask: (path, asked = {}) => ask(server.origin + path, asked),
    protect: (secret) => store.approvals.protect(`plain:${secret}`),
  };
  beforeEach(async () => {
    desk.elapsed = 0;
    desk.operator = 'operator';
    desk.records.length = 0;
    clock = clockAt('2026-03-04T10:30:15.500Z');
    store = openMemoryStore({ clock: clock.read, namespace: 'test' });
    server = await openServer(desk);
  });
  afterEach(async () => {
    await server.close();
    await store.close();
  });
  return desk;
}

function openServer(desk: Desk): Promise<Door> {
  const { store, clock } = desk;
  return openAdminServer(
    {
      approvals: store.approvals,
      store,
      token: TOKEN,
      // The slow hash has tests of its own.
      matchesSecret: async (secret, hash) => hash === `plain:${secret}`,
      readJson: (text) => readJson(text),
      describeCounters: (readings) =>
        readings.map(({ id, unit, micros, end }) => ({
          ...{ counter: id, unit, scope: undefined, value: String(micros), limit: undefined, used: undefined, resetsAt: end },
        })),
      unknownPolicy: async (name) => (name === 'Stripe' ? { running: 'what runs: "stripe"', near: 'did you mean "stripe"?' } : undefined),
      liveInstances: (instances) => instances,
      get operator() {
        return desk.operator;
      },
      about: () => ({ version: '1.2.3', instance: 'i', policy: 'stripe', revision: 'r', upstream: 'npx server' }),
      record: (type, fields) => void desk.records.push({ type, fields }),
      warn: () => undefined,
      clock: clock.read,
      monotonic: () => desk.elapsed,
    },
    0,
  );
}

async function ask(url: string, { method = 'GET', token = TOKEN, headers = {}, body }: Asked): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): Loose {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
