/** cli.md §1: the proxy says what its policy makes of the server's tools once it knows them, and says it once. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { BUN, ROOT } from '../../harness/paths.ts';
import { startProxy } from '../../harness/proxy.ts';
import { until } from '../../harness/wait.ts';

const SERVER = [BUN, join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'];

test('the sum of a tool list stands on stderr, once', async () => {
  await using proxy = await startProxy({ policy: 'version: "1"\ndefault: deny\nmethods: deny\nallow: [echo]\n', server: SERVER });
  const { client } = proxy;
  await client.initialize('2025-06-18');
  await client.request('tools/list', {});
  await client.request('tools/list', {});
  const said = () => client.stderr().match(/INFO \d+ tools: 1 may be called, \d+ are hidden \(\S+, \S+, \S+, …\)/g) ?? [];
  await until('the sum', () => (said().length > 0 ? true : undefined));
  await client.close();
  expect(said()).toHaveLength(1);
}, 60_000);
