/** I12, through a proxy: what ran is to be read in the audit and on stderr, whatever stands around it. */
import { expect, test } from 'bun:test';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startProxy } from '../harness/proxy.ts';
import { setUpRecorder } from '../harness/recorder.ts';

const COMMAND = 'DROP TABLE users';

test('a command behind a phrase that looks like a secret, or behind padding, shows in the record and on stderr', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'query' }] });
  await using proxy = await startProxy({ policy: 'version: "1"\ndefault: allow\n', server: recorder.command });
  const { client } = proxy;
  await client.initialize();
  const all: Record<string, unknown>[] = [
    { query: `-- -----BEGIN PRIVATE KEY-----\n${COMMAND}; INSERT` },
    { query: `cookie: 1; ${COMMAND}` },
    { query: `password="x" ${COMMAND}` },
    { args: ['--password', COMMAND] },
    { headers: [{ name: 'authorization', value: COMMAND }] },
    { password: COMMAND },
    { note: 'x'.repeat(65_600), query: COMMAND },
    { notes: Array(30_000).fill('x'), query: COMMAND, more: 'y'.repeat(70_000) },
  ];
  for (const args of all) await client.request('tools/call', { name: 'query', arguments: args });
  await client.close();
  const calls = (await proxy.records()).filter(({ type }) => type === 'tool_call');
  expect(calls.map(({ args }) => JSON.stringify(args).includes(COMMAND))).toEqual(all.map(() => true));
  const lines = client
    .stderr()
    .split('\n')
    .filter((line) => line.includes(' ALLOWED '));
  expect(lines.map((line) => line.includes(COMMAND))).toEqual(all.map(() => true));
  const events = join(proxy.home, 'events');
  for (const file of readdirSync(events)) expect(statSync(join(events, file)).size).toBeGreaterThan(0);
}, 60_000);
