/** setup.md §6: servers in the files of many clients are wrapped, called through their entries, and undone byte for byte. */
import { expect, test } from 'bun:test';
import { CLIENTS, connect, openHome, readOutput, SERVERS } from './home.ts';

const NAMES = Object.keys(SERVERS);
const PER_CLIENT = 3;

/** Three servers for each client, in turn. */
function serversFor(place: number): readonly string[] {
  return Array.from({ length: PER_CLIENT }, (_, index) => NAMES[(place * 2 + index) % NAMES.length] ?? '');
}

test('every entry of nine clients is wrapped, works, and is undone', async () => {
  using home = openHome();
  for (const [place, client] of Object.values(CLIENTS).entries()) home.put(client.file, client.write(serversFor(place)));
  const before = home.files();
  const init = await home.run(['init', '--yes', '--json', '--timeout', '120s']);
  expect([init.status, init.err]).toEqual([0, expect.any(String)]);
  const report = readOutput('init', init.out);
  expect(report.servers.filter(({ state }) => state !== 'wrapped')).toEqual([]);
  const policies = new Map<string, Set<string>>();
  let called = 0;
  for (const [name, { file, read }] of Object.entries(CLIENTS)) {
    for (const started of read(home.text(file))) {
      expect([name, started.args.slice(started.args.indexOf('-c') + 2)]).toEqual([
        name,
        ['--agent', name, '--', ...(SERVERS[started.name]?.command ?? [])],
      ]);
      const policy = started.args[started.args.indexOf('-c') + 1] ?? '';
      policies.set(started.name, new Set([...(policies.get(started.name) ?? []), policy]));
      const client = await connect(started, home);
      const [tool, args] = SERVERS[started.name]?.read ?? ['', {}];
      const { isError } = await client.callTool({ name: tool, arguments: args as Record<string, unknown> });
      expect([name, started.name, isError ?? false]).toEqual([name, started.name, false]);
      await client.close();
      called++;
    }
  }
  expect(called).toBe(PER_CLIENT * Object.keys(CLIENTS).length);
  // Clients share a server's policy; with an environment of its own it is another server.
  for (const [name, paths] of policies) expect([name, paths.size <= 2]).toEqual([name, true]);
  const check = await home.run(['init', '--check', '--json']);
  expect([check.status, readOutput('init_check', check.out).covered]).toEqual([0, true]);
  const again = await home.run(['init', '--yes', '--json']);
  expect([again.status, readOutput('init', again.out).outcome]).toEqual([0, 'nothing']);
  const undo = await home.run(['init', '--undo', '--json']);
  expect([undo.status, undo.err, readOutput('init_undo', undo.out).left]).toEqual([0, '', []]);
  expect(home.files()).toEqual(before);
}, 300_000);

test('a tool that destroys is denied through the entry', async () => {
  using home = openHome();
  const { cursor } = CLIENTS;
  home.put(cursor?.file ?? '', cursor?.write(['memory']) ?? '');
  expect((await home.run(['init', '--yes'])).status).toBe(0);
  const [started] = cursor?.read(home.text(cursor.file)) ?? [];
  if (!started) throw new Error('no entry');
  const client = await connect(started, home);
  const answer = await client.callTool({ name: 'delete_entities', arguments: { entityNames: ['x'] } });
  expect(JSON.stringify(answer)).toContain('Destructive operation blocked by policy');
  await client.close();
}, 120_000);
