/** What a proxy does for those who decide (cli.md §3, policy.md §12), started as users start it. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { openReceiver } from '../approval/receiver.ts';
import type { Loose } from '../harness/message.ts';
import { type Proxy as Started, startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';
import { until } from '../harness/wait.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ARGS = { amount: 5, password: 'hunter2' };

function policy(webhook = '', timeout = '15m'): string {
  return `
version: "1"
name: refunds
default: deny
approvals:
  default_timeout: ${timeout}
  ${webhook}
tools:
  refund: [{ name: ask, action: require_approval, on_deny: a human decides }]
`;
}

const notify = (url: string, secret = 'secret_env: HOOK_SECRET') => `notify: { webhook: { url: "${url}", ${secret} } }`;

async function hold({ client }: Started): Promise<string> {
  const { result } = await client.request('tools/call', { name: 'refund', arguments: ARGS });
  return result._meta['policylayer.com/decision'].approval_id;
}

const originOf = ({ client }: Started) =>
  until('the admin server', () => /admin API at (http:\/\/127\.0\.0\.1:\d+)/.exec(client.stderr())?.[1]);

describe('cli.md §3: --enable-admin-api', () => {
  test('lets decide over HTTP: the held call goes through once, and the audit says who decided', async () => {
    await using recorder = await setUpRecorder({ tools: [{ name: 'refund' }] });
    await using proxy = await startProxy({ policy: policy(), server: recorder.command, flags: ['--enable-admin-api'] });
    await proxy.client.initialize();
    const [origin, id] = [await originOf(proxy), await hold(proxy)];
    const token = readFileSync(join(proxy.home, 'admin.token'), 'utf8').trim();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const decided = await fetch(`${origin}/v1/approvals/${id}/approve`, { method: 'POST', headers, body: '{"as":"anna"}' });
    expect(await decided.json()).toMatchObject({ id, state: 'approved', decided_by: 'anna', args: ARGS, policy: 'refunds' });
    const status = (await (await fetch(`${origin}/v1/status`, { headers })).json()) as Loose;
    expect(status).toMatchObject({ policy: 'refunds', pending: 0, protected: false, instances: [{ pid: proxy.client.pid }] });
    await proxy.client.request('tools/call', { name: 'refund', arguments: ARGS });
    expect(await recorder.executed()).toHaveLength(1);
    await proxy.untilRecords('the decision', (records) =>
      records.some(({ type, by, via, approval }) => type === 'approval_approved' && by === 'anna' && via === 'api' && approval === id),
    );
    expect(JSON.stringify(await proxy.records()) + proxy.client.stderr()).not.toContain(token);
  }, 60_000);

  test('policy.md §12: a client that declares URL elicitation is given the link to the page, which holds the id only', async () => {
    await using recorder = await setUpRecorder({ tools: [{ name: 'refund' }] });
    const asks = policy().replace('tools:', 'methods: { elicitation/create: allow }\ntools:');
    await using proxy = await startProxy({ policy: asks, server: recorder.command, flags: ['--enable-admin-api'] });
    await proxy.client.initialize('2025-11-25', { elicitation: { url: {} } });
    const [origin, id] = [await originOf(proxy), await hold(proxy)];
    const { json } = await proxy.client.next((frame) => frame.json?.method === 'elicitation/create');
    expect(json?.params).toMatchObject({ mode: 'url', url: `${origin}/approvals/${id}` });
    const page = await fetch(json?.params.url);
    expect([page.status, (await page.text()).includes('hunter2')]).toEqual([200, false]);
    proxy.client.sendLine({ jsonrpc: '2.0', id: json?.id, result: { action: 'accept' } });
    await hold(proxy);
    expect(await recorder.executed()).toEqual([]);
  }, 60_000);

  test('stays off without the flag: no server, no token', async () => {
    await using recorder = await setUpRecorder({ tools: [{ name: 'refund' }] });
    await using proxy = await startProxy({ policy: policy(), server: recorder.command });
    await proxy.client.initialize();
    await hold(proxy);
    expect(proxy.client.stderr()).not.toContain('admin API');
    expect(existsSync(join(proxy.home, 'admin.token'))).toBe(false);
  }, 60_000);

  test('does not start on a port that is taken, and says so', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await using recorder = await setUpRecorder();
    await using proxy = await startProxy({
      policy: policy(),
      server: recorder.command,
      flags: ['--enable-admin-api', '--admin-port', String(port)],
    });
    expect((await proxy.client.exited).code).toBe(1);
    expect(proxy.client.stderr()).toContain(`the admin API cannot be opened on port ${port}`);
    expect(await recorder.ledger()).toEqual([]);
    taken.close();
  }, 60_000);
});

describe('policy.md §12: webhooks', () => {
  test('are told of a held call, signed, without the secrets in its arguments, and with the links of the admin API', async () => {
    await using receiver = await openReceiver((response) => response.end());
    await using recorder = await setUpRecorder({ tools: [{ name: 'refund' }] });
    const flags = ['--enable-admin-api'];
    const env = { HOOK_SECRET: SECRET };
    await using proxy = await startProxy({ policy: policy(notify(receiver.url)), server: recorder.command, flags, env });
    await proxy.client.initialize();
    const [origin, id] = [await originOf(proxy), await hold(proxy)];
    const [told] = await receiver.untilReceived(1);
    const { data, hidden, urls } = new Webhook(SECRET).verify(told?.body ?? '', told?.headers ?? {}) as Loose;
    expect(data).toMatchObject({ id, args: { amount: 5, password: expect.stringMatching(/^\[redacted \d+ chars #[0-9a-f]{4}\]$/) } });
    expect(hidden).toEqual({ masked: 1, cut: 0 });
    expect(urls).toEqual({ page: `${origin}/approvals/${id}` });
    expect(proxy.client.stderr() + JSON.stringify(await proxy.records())).not.toContain(SECRET);
  }, 60_000);

  test('--audit-args hash sends no arguments', async () => {
    await using receiver = await openReceiver((response) => response.end());
    await using recorder = await setUpRecorder({ tools: [{ name: 'refund' }] });
    const flags = ['--audit-args', 'hash'];
    const env = { HOOK_SECRET: SECRET };
    await using proxy = await startProxy({ policy: policy(notify(receiver.url)), server: recorder.command, flags, env });
    await proxy.client.initialize();
    await hold(proxy);
    const [told] = await receiver.untilReceived(1);
    expect(Object.keys(JSON.parse(told?.body ?? '{}').data)).not.toContain('args');
    expect(told?.body).not.toContain('hunter2');
  }, 60_000);

  test('are told that a record expired, whoever watches', async () => {
    await using receiver = await openReceiver((response) => response.end());
    await using recorder = await setUpRecorder({ tools: [{ name: 'refund' }] });
    const env = { HOOK_SECRET: SECRET };
    await using proxy = await startProxy({ policy: policy(notify(receiver.url), '1s'), server: recorder.command, env });
    await proxy.client.initialize();
    const id = await hold(proxy);
    const told = await receiver.untilReceived(2);
    expect(told.map(({ body }) => JSON.parse(body).type)).toEqual(['approval.requested', 'approval.expired']);
    await proxy.untilRecords('the expiry', (records) =>
      records.some(({ type, approval }) => type === 'approval_expired' && approval === id),
    );
  }, 60_000);

  test('that fail delay no call, and are recorded without what may be secret', async () => {
    await using receiver = await openReceiver(() => undefined);
    await using recorder = await setUpRecorder({ tools: [{ name: 'refund' }] });
    const env = { HOOK_SECRET: SECRET };
    const url = `${receiver.url}/services/T0K3N`;
    await using proxy = await startProxy({ policy: policy(notify(url)), server: recorder.command, env });
    await proxy.client.initialize();
    await hold(proxy);
    await receiver.untilReceived(1);
    // It hangs now; calls are answered all the same.
    await hold(proxy);
    const records = await until(
      'the failure',
      async () => {
        const found = (await proxy.records()).filter(({ type }) => type === 'webhook_failed');
        return found.length > 0 ? found : undefined;
      },
      30_000,
    );
    expect(records[0]).toMatchObject({ webhook: receiver.url, event: 'approval.requested', tries: 1, given_up: false });
    expect(JSON.stringify(await proxy.records()) + proxy.client.stderr().replaceAll(proxy.policyFile, '')).not.toContain('T0K3N');
  }, 60_000);

  test('with a secret that is not set, or is none, are refused at the start', async () => {
    for (const secret of [undefined, '', 'whsec_?']) {
      const webhook = notify('http://127.0.0.1:1');
      await using proxy = await startProxy({ policy: policy(webhook), server: ['cat'], env: { HOOK_SECRET: secret } });
      expect((await proxy.client.exited).code).toBe(3);
      expect(proxy.client.stderr()).toContain('the environment variable "HOOK_SECRET"');
    }
  }, 60_000);

  test('the server never sees their secret', async () => {
    await using receiver = await openReceiver((response) => response.end());
    const server = ['sh', '-c', 'echo "secret=$(printenv HOOK_SECRET || echo none)" >&2; cat'];
    const env = { HOOK_SECRET: SECRET };
    await using proxy = await startProxy({ policy: policy(notify(receiver.url)), server, env });
    await until('its environment', () => /secret=(\S+)/.exec(proxy.client.stderr())?.[1]);
    expect(proxy.client.stderr()).toContain('secret=none');
  }, 60_000);
});
