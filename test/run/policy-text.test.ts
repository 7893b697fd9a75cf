/** setup.md §4: `-c library:ID` runs a policy of the library without a file, and says which version of the server it was made for. */
import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { auditRecords } from '../harness/audit.ts';
import { openClient } from '../harness/client.ts';
import { BUN, interceptCommand, ROOT, temporaryFolder } from '../harness/paths.ts';

const SERVER = [BUN, join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js'), 'stdio'];

test('a library policy is enforced, and named in the records as it was named', async () => {
  const { path: home, remove } = await temporaryFolder();
  const client = openClient([...interceptCommand(), '-c', 'library:everything', '--', ...SERVER], { env: { INTERCEPT_HOME: home } });
  try {
    await client.initialize();
    const echoed = await client.request('tools/call', { name: 'echo', arguments: { message: 'hello' } });
    expect(JSON.stringify(echoed)).toContain('hello');
    const unlisted = await client.request('tools/call', { name: 'not-there', arguments: {} });
    expect(JSON.stringify(unlisted)).toContain('is not permitted by policy');
    const [startup] = await auditRecords(home);
    expect(startup).toMatchObject({ type: 'startup', policy: 'everything', config: 'library:everything' });
  } finally {
    await client.close().catch(() => undefined);
    await remove();
  }
}, 60_000);

/** Starts a proxy that has nobody to serve, and answers with what it said. */
async function saidBy(
  config: string,
  server: readonly string[],
  home: string,
): Promise<{ readonly status: number; readonly said: string }> {
  const [program = '', ...args] = [...interceptCommand(), '-c', config, '--', ...server];
  const child = spawn(program, args, { env: { ...process.env, INTERCEPT_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'] });
  const status = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  return { said: await text(child.stderr), status: await status };
}

test('the start says what the policy was made for, and where the command may start something else', async () => {
  const { path: home, remove } = await temporaryFolder();
  const { said } = await saidBy('library:everything', [BUN, '-e', ''], home);
  expect(said).toMatch(/INFO library:everything was made for @modelcontextprotocol\/server-everything \S+ \(npm\) on \d{4}-\d\d-\d\d; /);
  expect(said).toContain('WARN nobody knows whether the command starts @modelcontextprotocol/server-everything');
  const unknown = await saidBy('library:everythign', [BUN, '-e', ''], home);
  expect(unknown.status).toBe(3);
  expect(unknown.said).toBe('library:everythign: is no policy of the library\nhelp: did you mean "everything"?\n');
  await remove();
}, 60_000);
