/** Invented credentials before a listener that passes them on (policy.md §6, §12, I13): they cost nobody else anything. */
import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { renderRecordLines } from '../../../src/cli/approvals/record-lines.ts';
import { layTable } from '../../../src/cli/approvals/table.ts';
import type { Approval } from '../../../src/core/approval.ts';
import { renderApproval } from '../../../src/core/approval-json.ts';
import type { Records, Store } from '../../../src/core/store.ts';
import { openSqliteStore } from '../../../src/state/sqlite/sqlite.ts';
import { exchange } from '../../harness/http.ts';
import { startListener } from '../../harness/program.ts';
import { startUpstream } from '../../harness/upstream.ts';

const POLICY = `version: "1"
name: invented
approvals: {max_pending: 3}
tools:
  "*": {rules: [{name: ask, action: require_approval}]}
`;
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
};
const HELD = 'approval_required';
const TOO_MANY = 'too_many_pending';
const DENIED = 'approval_denied';

interface Rig extends AsyncDisposable {
  readonly store: Store & Records;
  /** The reason code that the call was refused with. */
  pay(bearer: string | undefined, n: number): Promise<string>;
}

async function openRig(flags: readonly string[] = []): Promise<Rig> {
  const upstream = await startUpstream((received, response) => {
    const id = JSON.stringify(JSON.parse(received.body).id);
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"jsonrpc":"2.0","id":${id},"result":{"content":[],"tools":[]}}`);
  });
  const listener = await startListener({ policy: POLICY, flags: [...flags, '--upstream', upstream.url] });
  const path = join(listener.home, 'state', 'intercept.sqlite');
  const store = await openSqliteStore({ path, namespace: 'invented', clock: Date.now, timeoutMs: 5_000 });
  return {
    store,
    async pay(bearer, n) {
      const { text } = await exchange(listener.url, {
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'pay', arguments: { n }, _meta: META } }),
        headers: {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'pay' },
        },
      });
      return [HELD, TOO_MANY, DENIED].find((code) => text.includes(`"${code}"`)) ?? text;
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      await listener[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** All calls at once; how often each answer came. */
async function counted(answers: readonly Promise<string>[]): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const answer of await Promise.all(answers)) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}

const times = <T>(number: number, make: (index: number) => T) => Array.from({ length: number }, (_, index) => make(index));

describe('I13: a client without a name', () => {
  test('fills its own places, and its denials are its own', async () => {
    await using rig = await openRig();
    expect(await counted(times(5, (n) => rig.pay('made-up', n)))).toEqual({ [HELD]: 3, [TOO_MANY]: 2 });
    expect(await rig.pay('real-B', 7)).toBe(HELD);
    for (const { id, evidence } of await rig.store.approvals.list({ state: 'pending' }))
      if (evidence.credential !== hashOf('real-B')) await rig.store.approvals.decide({ id, verdict: 'deny', by: 'ada', reason: 'junk' });
    expect(await rig.pay('made-up', 99)).toBe(DENIED);
    expect([await rig.pay('real-B', 8), await rig.pay(undefined, 8)]).toEqual([HELD, HELD]);
  });

  test('invents one credential after the other: the approver gets five agents’ worth of records', async () => {
    await using rig = await openRig();
    const answers = await counted(times(40, (n) => rig.pay(`made-up ${n}`, n)));
    expect(answers).toEqual({ [HELD]: 15, [TOO_MANY]: 25 });
  });

  test('invents credentials beside the name that the operator gave: no more, either', async () => {
    await using rig = await openRig(['--agent', 'anna']);
    expect(await counted(times(40, (n) => rig.pay(`made-up ${n}`, n)))).toEqual({ [HELD]: 15, [TOO_MANY]: 25 });
  });
});

test('records show the beginning of the credential’s hash, and nothing else of it', async () => {
  await using rig = await openRig();
  await rig.pay('made-up', 1);
  await rig.pay(undefined, 2);
  const records = await rig.store.approvals.list({ state: 'pending' });
  const [bringing, without] = [1, 2].map((n) => records.find(({ args }) => args.includes(`${n}`)) as Approval);
  if (!bringing || !without) throw new Error('two records were expected');
  const hash = hashOf('made-up');
  const table = layTable([bringing], { now: Date.now(), columns: undefined, isAll: false });
  expect(table.rowsOf([bringing])[0]).toContain(`  #${hash}  `);
  expect(renderRecordLines(bringing, Date.now(), 100).join('\n')).toContain(`credential  ${hash}…`);
  expect(JSON.parse(renderApproval(bringing, undefined))).toMatchObject({ agent: null, credential: hash });
  expect(JSON.parse(renderApproval(without, undefined))).toMatchObject({ agent: null, credential: null });
  expect(renderRecordLines(without, Date.now(), 100).join('\n')).not.toContain('credential');
  expect(JSON.stringify(records)).not.toContain('made-up');
});

function hashOf(token: string): string {
  return createHash('sha256').update(`bearer ${token}`).digest('hex').slice(0, 8);
}
