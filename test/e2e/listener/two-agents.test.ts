/** Two agents behind one listener (policy.md §12): neither sees, uses or ends what is the other's. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { openSqliteRecords } from '../../../src/state/sqlite/sqlite.ts';
import { exchange } from '../../harness/http.ts';
import { modern } from '../../harness/modern.ts';
import { startListener } from '../../harness/program.ts';
import { startUpstream } from '../../harness/upstream.ts';

const POLICY = `version: "1"
name: shared
tools:
  pay: {rules: [{name: ask, action: require_approval}]}
  once: {idempotency_window: 5m, rules: []}
`;

test('holds, approvals, results and records stay with the credential that they were made for', async () => {
  const executed: string[] = [];
  await using upstream = await startUpstream(async ({ body, headers }, response) => {
    const { id, method, params } = JSON.parse(body);
    if (method === 'tools/call') executed.push(`${params.name} ${headers.authorization}`);
    const result = method === 'tools/list' ? { tools: [] } : { content: [{ type: 'text', text: `for ${headers.authorization}` }] };
    const answer = { jsonrpc: '2.0', id, result: { ...result, resultType: 'complete' } };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await using listener = await startListener({ policy: POLICY, flags: ['--upstream', upstream.url] });
  const desk = await openSqliteRecords({ path: join(listener.home, 'state', 'intercept.sqlite'), clock: Date.now, timeoutMs: 10_000 });
  const call = async (who: string, name: string) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: modern({ name, arguments: { amount: 5 } }) });
    const headers = { authorization: `Bearer ${who}`, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name };
    return (await exchange(listener.url, { body, headers })).text;
  };
  const heldAs = (text: string) => /Approval id: (apr_\w+)/.exec(text)?.[1];

  const [ann, bob] = [heldAs(await call('ann', 'pay')), heldAs(await call('bob', 'pay'))];
  expect(ann).toStartWith('apr_');
  expect(bob).toStartWith('apr_');
  expect(bob).not.toBe(ann);
  await desk.approvals.decide({ id: ann ?? '', verdict: 'approve', by: 'carol', reason: '' });
  expect(heldAs(await call('bob', 'pay'))).toBe(bob);
  expect(await call('ann', 'pay')).toContain('for Bearer ann');
  await desk.approvals.decide({ id: bob ?? '', verdict: 'deny', by: 'carol', reason: 'not bob' });
  expect(await call('bob', 'pay')).toContain('not bob');
  expect(await call('ann', 'pay')).not.toContain('not bob');

  expect(await call('ann', 'once')).toContain('for Bearer ann');
  expect(await call('bob', 'once')).toContain('for Bearer bob');
  const again = await call('bob', 'once');
  expect(again).toContain('"replayed"');
  expect(again).toContain('for Bearer bob');
  await desk.close();
  expect(executed).toEqual(['pay Bearer ann', 'once Bearer ann', 'once Bearer bob']);
}, 60_000);
