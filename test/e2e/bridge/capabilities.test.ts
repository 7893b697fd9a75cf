/** policy.md §2: a capability whose every request is denied is not declared, so that real clients do not ask for it. */
import { describe, expect, test } from 'bun:test';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { auditRecords } from '../../harness/audit.ts';
import { setUpProxy } from '../../harness/proxy.ts';
import { startDualEra, startEverything } from './servers.ts';

const PATIENCE = 60_000;
const TOOLS_ONLY = 'version: "1"\nname: tools-only\nmethods: deny\n';
const NO_RESOURCES = 'version: "1"\nname: no-resources\nmethods: { "resources/*": deny, "resources/read": allow, "prompts/*": deny }\n';

/** How a client starts Intercept before the server at `url`. */
async function before(url: string, policy: string) {
  const { command: all, env, home, remove } = await setUpProxy({ policy, flags: ['--upstream', url] });
  const [command = '', ...args] = all;
  const own = Object.entries({ ...process.env, ...env }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { start: { command, args, env: Object.fromEntries(own), stderr: 'pipe' as const }, home, remove };
}

/** What a client that goes by what is declared asks for first. */
async function listAll(client: Pick<Client | ClientV2, 'getServerCapabilities' | 'listTools' | 'listPrompts' | 'listResources'>) {
  const declared = client.getServerCapabilities() ?? {};
  await client.listTools();
  if (declared.prompts) await client.listPrompts();
  if (declared.resources) await client.listResources();
  return Object.keys(declared).sort();
}

async function refusedRequests(home: string) {
  return (await auditRecords(home)).filter(({ type, result }) => type === 'request' && result === 'denied').map(({ method }) => method);
}

test(
  'SDK v1: only tools are left, and nothing is asked that is denied',
  async () => {
    await using server = await startEverything('streamableHttp');
    const { start, home, remove } = await before(server.url, TOOLS_ONLY);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StdioClientTransport(start));
    expect(await listAll(client)).toEqual(['tools']);
    expect(await refusedRequests(home)).toEqual([]);
    // Some clients ask whatever is declared, and show an error to people: the list is empty, as the server has none for them.
    expect((await client.listResources()).resources).toEqual([]);
    await expect(client.readResource({ uri: 'a:b' })).rejects.toThrow('is not permitted by policy');
    await client.close();
    expect(await refusedRequests(home)).toEqual(['resources/list', 'resources/read']);
    await remove();
  },
  PATIENCE,
);

test(
  'SDK v1: of what passes in part, all that the server declares stays',
  async () => {
    await using server = await startEverything('streamableHttp');
    const { start, remove } = await before(server.url, NO_RESOURCES);
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StdioClientTransport(start));
    const declared = client.getServerCapabilities() ?? {};
    expect([declared.prompts, declared.resources !== undefined]).toEqual([undefined, true]);
    await client.close();
    await remove();
  },
  PATIENCE,
);

describe.each(['2026-07-28', 'legacy'] as const)('SDK v2, %s', (mode) => {
  test(
    'lists without an error, and asks nothing that is denied',
    async () => {
      await using server = await startDualEra();
      const { start, home, remove } = await before(server.url, TOOLS_ONLY);
      const versionNegotiation = mode === 'legacy' ? { mode } : { mode: { pin: mode } };
      const client = new ClientV2({ name: 'test', version: '1' }, { versionNegotiation });
      await client.connect(new StdioV2(start));
      expect(await listAll(client)).toEqual(['tools']);
      // Of what is not declared this client makes an empty list by itself.
      expect(await client.listResources()).toMatchObject({ resources: [] });
      expect(await refusedRequests(home)).toEqual([]);
      await client.close();
      await remove();
    },
    PATIENCE,
  );
});
