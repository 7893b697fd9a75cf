/** setup.md §3.6: a remote server becomes a bridge, its headers move to `env`, and both come back. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { BUN, ROOT } from '../../harness/paths.ts';
import { startProgram } from '../../harness/program.ts';
import { answerJson, startUpstream } from '../../harness/upstream.ts';
import { CLIENTS, connect, openHome, readOutput } from './home.ts';

const FIXTURE = [BUN, join(ROOT, 'test/fixtures/servers/sdk-1.20.ts'), 'http'];
const SECRET = 'Bearer remote-secret-of-the-test';

test('remote servers of two clients are bridged, called, and undone', async () => {
  using home = openHome();
  await using server = await startProgram(FIXTURE);
  const { url } = server;
  home.put(
    '.cursor/mcp.json',
    `{ "mcpServers": {\n  "far": { "url": "${url}", "headers": { "Authorization": "${SECRET}" } } // mine\n} }\n`,
  );
  home.put('.codex/config.toml', `[mcp_servers.far]\nurl = "${url}" # mine\n\n[mcp_servers.far.http_headers]\nX-Tenant = "acme-tenant"\n`);
  const before = home.files();
  const init = await home.run(['init', '--yes', '--json']);
  const { servers, files } = readOutput('init', init.out);
  expect(servers.map(({ name, state, why }) => [name, state, why])).toEqual([
    ['far', 'wrapped', null],
    ['far', 'wrapped', null],
  ]);
  // What is shown has none of the values.
  expect(JSON.stringify(files) + init.err).not.toMatch(/remote-secret|acme-tenant/);
  for (const client of [CLIENTS.cursor, CLIENTS.codex]) {
    const text = home.text(client?.file ?? '');
    const [started] = client === CLIENTS.cursor ? readComments(text) : (client?.read(text) ?? []);
    expect(started?.args).toEqual(expect.arrayContaining(['--upstream', url]));
    if (!started) throw new Error('no entry');
    if (client === CLIENTS.cursor) expect(started.args.join(' ')).not.toContain('remote-secret');
    const session = await connect(started, home);
    expect((await session.callTool({ name: 'echo', arguments: { text: 'hi' } })).isError ?? false).toBe(false);
    await session.close();
  }
  expect((await home.run(['init', '--check'])).status).toBe(0);
  // A token that is renewed meanwhile is what comes back.
  const renewed = (text = '') => text.replace('remote-secret-of-the-test', 'renewed-secret');
  home.put('.cursor/mcp.json', renewed(home.text('.cursor/mcp.json')));
  const undo = await home.run(['init', '--undo', '--yes']);
  expect([undo.status, undo.err + undo.out]).toEqual([0, expect.not.stringContaining('renewed-secret')]);
  expect(undo.err).toContain('[redacted]');
  expect(home.text('.codex/config.toml')).toBe(before.get('.codex/config.toml') ?? '');
  expect(readComments(home.text('.cursor/mcp.json'))).toEqual(readComments(renewed(before.get('.cursor/mcp.json'))));
}, 120_000);

function readComments(text: string) {
  const { mcpServers } = Bun.JSONC.parse(text) as {
    mcpServers: Record<string, { command: string; args: string[]; env: Record<string, string> }>;
  };
  return Object.entries(mcpServers).map(([name, entry]) => ({ name, ...entry }));
}

test('one that wants a login stays open, and says so', async () => {
  using home = openHome();
  await using server = await startUpstream((_, response) => answerJson(response, { error: 'no' }, 401, { 'www-authenticate': 'Bearer' }));
  home.put('.cursor/mcp.json', JSON.stringify({ mcpServers: { far: { url: server.url } } }));
  const before = home.files();
  const init = await home.run(['init', '--yes', '--json']);
  const [far] = readOutput('init', init.out).servers;
  expect([far?.state, String(far?.why)]).toEqual(['open', expect.stringMatching(/401|log ?in|authori[sz]/i)]);
  expect(init.err).toContain('needs login');
  expect(home.files()).toEqual(before);
}, 60_000);
