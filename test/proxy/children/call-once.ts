/**
 * A proxy's session over a real store and a real audit file, that makes one call and kills itself at a given step. What
 * its server executes is a line in a ledger. Prints what the agent got.
 */
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { openKeyedHash } from '../../../src/audit/key.ts';
import { openFileSink } from '../../../src/audit/sinks/file.ts';
import type { Store } from '../../../src/core/store.ts';
import { watchApprovals } from '../../../src/engine/approval-watch.ts';
import { createLeases } from '../../../src/engine/leases.ts';
import type { Ports, Served } from '../../../src/engine/ports.ts';
import { openSession } from '../../../src/proxy/session.ts';
import { openSqliteStore } from '../../../src/state/sqlite/sqlite.ts';
import { lines, rulebook, verdict } from '../fixture.ts';

export type Step = 'arrival' | 'reserved' | 'recorded' | 'sent' | 'answered' | 'settled' | 'never';

/** What a test gives in the variable CALL_ONCE. */
export interface Order {
  readonly store: string;
  readonly events: string;
  readonly ledger: string;
  readonly policy: string;
  readonly dieAt: Step;
  /** ms that the clock is ahead. */
  readonly ahead: number;
  /** What the server answers with. */
  readonly answer: object;
}

const order: Order = JSON.parse(process.env.CALL_ONCE ?? '{}');
const clock = () => Date.now() + order.ahead;
const dieAt = (step: Step) => {
  if (order.dieAt !== step) return;
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing of what follows may happen.
  for (;;);
};

const opened = await openSqliteStore({ path: order.store, namespace: 'test', clock, timeoutMs: 5_000 });
const store: Store = {
  ...opened,
  async reserve(calls) {
    dieAt('arrival');
    const verdicts = await opened.reserve(calls);
    dieAt('reserved');
    return verdicts;
  },
  async settle(settlements) {
    dieAt('answered');
    await opened.settle(settlements);
    dieAt('settled');
  },
};
const file = openFileSink({
  dir: order.events,
  instance: `${process.pid}`,
  clock,
  keyedHash: openKeyedHash(new Uint8Array(32)),
  args: 'full',
});
const rules = await rulebook(order.policy);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
let ids = 0;
const ports: Ports = {
  pauses: { current: () => undefined, known: () => undefined },
  store,
  leases: createLeases({ store, log: silent }),
  approvals: watchApprovals({ approvals: opened.approvals, log: { debug: () => {} } }),
  approvalWait: 0,
  audit: {
    ...file,
    write(events) {
      file.write(events);
      if (events.some((event) => event.type === 'tool_call')) dieAt('recorded');
    },
  },
  log: silent,
  clock,
  monotonic: () => performance.now(),
  newId: () => `${process.pid}-${++ids}`,
  sha256: (text) => createHash('sha256').update(text).digest('hex'),
  openSha256: () => createHash('sha256'),
  sign: (text) => text,
  loadSchemaCompiler: () => Promise.reject(new Error('none here')),
  timeouts: { upstream: 0, listing: 10_000 },
};
const served: Served = {
  rules: { current: rules },
  upstream: 'server',
  shownUpstream: 'server',
  namespace: 'test',
  own: undefined,
  failMode: 'closed',
  toolsListed() {},
};
const session = openSession(
  ports,
  served,
  { agent: undefined, credential: undefined },
  {
    toServer(frames) {
      for (const { id, message } of frames) {
        const isCall = message?.kind === 'request' && message.method === 'tools/call';
        if (isCall) {
          appendFileSync(order.ledger, 'executed\n');
          dieAt('sent');
        }
        const answer = isCall ? order.answer : { result: { tools: [] } };
        session.fromServer(lines([{ jsonrpc: '2.0', id: JSON.parse(id?.text ?? '0'), ...answer }]));
      }
    },
    toAgent(frames) {
      for (const frame of frames) {
        const text = typeof frame === 'string' ? frame : new TextDecoder().decode(frame);
        process.stdout.write(`${verdict(JSON.parse(text))}\n`);
      }
    },
  },
);
session.fromAgent(lines([{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'pay', arguments: { n: 1 } } }]));
await session.agentIdle();
await session.serverIdle();
await opened.close();
