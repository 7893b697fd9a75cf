/** An MCP client from npm that shows pages (URL elicitation), in both eras: a held call, a human at the page, one call that goes through (policy.md §12). */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { openSqliteStore } from '../../../src/state/sqlite/sqlite.ts';
import { BUN, temporaryFolder } from '../../harness/paths.ts';
import { setUpProxy } from '../../harness/proxy.ts';

const POLICY = 'version: "1"\nname: page\ntools:\n  add: {rules: [{name: ask, action: require_approval}]}\n';

for (const era of ['2026-07-28', 'legacy'] as const) {
  for (const verdict of ['approve', 'deny'] as const) {
    test(`${era}: the human says ${verdict}`, async () => {
      await using folder = await disposable();
      await using setup = await setUp();
      const shown: string[] = [];
      const client = new Client(
        { name: 'pages', version: '1' },
        {
          capabilities: { elicitation: { url: {} } },
          versionNegotiation: { mode: era === 'legacy' ? 'legacy' : { pin: era } },
        },
      );
      client.setRequestHandler('elicitation/create', async ({ params }) => {
        const { url } = params as { readonly url: string };
        shown.push(url);
        await decide(setup.home, url.split('/').at(-1) ?? '', verdict);
        return { action: 'accept' };
      });
      const [command = '', ...args] = setup.command;
      await client.connect(new StdioClientTransport({ command, args, env: environment(setup.env, folder.path), stderr: 'ignore' }));
      try {
        const result = await client.callTool({ name: 'add', arguments: { a: 2, b: 3 } });
        expect(shown).toHaveLength(1);
        expect(shown[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/approvals\/apr_[a-z2-7]{16}$/);
        const [content] = result.content as readonly { readonly text: string }[];
        if (verdict === 'approve') expect(content?.text).toBe('5');
        else expect(content?.text).toBe('[INTERCEPT POLICY DENIED] Approval denied: not now');
      } finally {
        await client.close();
      }
    }, 60_000);
  }
}

async function disposable() {
  const { path, remove } = await temporaryFolder();
  return { path, [Symbol.asyncDispose]: remove };
}

async function setUp() {
  const server = [BUN, join(import.meta.dirname, '../../fixtures/servers/modern.ts')];
  const setup = await setUpProxy({ policy: POLICY, server, flags: ['--enable-admin-api', '--approval-wait', '30s'] });
  return { ...setup, [Symbol.asyncDispose]: setup.remove };
}

function environment(env: Readonly<Record<string, string | undefined>>, folder: string): Record<string, string> {
  const all = { ...process.env, ...env, MODERN_LEDGER: join(folder, 'ledger') };
  return Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** What the human does on the page; the page itself is tried in a browser elsewhere. */
async function decide(home: string, id: string, verdict: 'approve' | 'deny'): Promise<void> {
  const path = join(home, 'state', 'intercept.sqlite');
  const store = await openSqliteStore({ path, namespace: 'page', clock: Date.now, timeoutMs: 5_000 });
  await store.approvals.decide({ id, verdict, by: 'ada', reason: verdict === 'deny' ? 'not now' : '' });
  await store.close();
}
