/**
 * Faithfulness (wire.md §1, §6): in front of real servers of every revision, under a policy that allows all, each line
 * that reaches the agent is the line that the server wrote.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openClient, type RawClient } from '../../harness/client.ts';
import { parseMessage } from '../../harness/message.ts';
import { interceptCommand, temporaryFolder } from '../../harness/paths.ts';
import { ALLOW_ALL, setUpProxy } from '../../harness/proxy.ts';
import { REAL_SERVERS, type RealServer } from './servers.ts';
import { runSession, type Transcript } from './session.ts';

const TIMEOUT_MS = 120_000;
const proxyExists = existsSync(interceptCommand().at(-1) as string);

let root: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  root = await temporaryFolder();
});
afterAll(() => root.remove());

/** Prepares the server's folder, always at the same path, and runs the session in front of what `start` starts. */
async function record(server: RealServer, start: (folder: string) => Promise<RawClient> | RawClient): Promise<Transcript> {
  const folder = join(root.path, server.name.replace(/[^a-z0-9]/g, '-'));
  await mkdir(folder, { recursive: true });
  await server.prepare?.(folder);
  const client = await start(folder);
  try {
    return await runSession(client, server, folder);
  } finally {
    if (server.hangs) client.kill('SIGTERM');
    await client.close();
  }
}

function direct(server: RealServer): Promise<Transcript> {
  return record(server, (folder) => openClient(server.command(folder), { env: server.env?.(folder) }));
}

async function proxied(server: RealServer): Promise<Transcript> {
  const removals: (() => Promise<void>)[] = [];
  try {
    return await record(server, async (folder) => {
      const setup = await setUpProxy({ policy: ALLOW_ALL, server: server.command(folder), env: server.env?.(folder) });
      removals.push(setup.remove);
      return openClient(setup.command, { env: setup.env });
    });
  } finally {
    for (const remove of removals) await remove();
  }
}

/** Ids that the server draws at random. */
function lessRandom(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'RANDOM'));
}

/** The one documented difference: the proxy declares `listChanged`, since a reload may change the list (wire.md §3). */
function lessListChanged(line: string): string {
  const message = parseMessage(line);
  const tools = message?.result?.capabilities?.tools;
  if (!tools) return line;
  delete tools.listChanged;
  return JSON.stringify(message);
}

for (const server of REAL_SERVERS) {
  describe(`${server.name} (${server.revision})`, () => {
    let known: Promise<Transcript> | undefined;
    const alone = () => {
      known ??= direct(server);
      return known;
    };

    test(
      'alone it answers, in that revision, the same twice',
      async () => {
        const [first, second] = [await alone(), await direct(server)];
        const { result } = first.opening;
        expect(result.protocolVersion ?? result.supportedVersions).toEqual(result.protocolVersion ? server.revision : [server.revision]);
        expect(first.tools.length).toBeGreaterThan(0);
        expect(lessRandom(second.lines)).toEqual(lessRandom(first.lines));
      },
      TIMEOUT_MS,
    );

    test.skipIf(!proxyExists)(
      'through the proxy every line is the same, byte for byte and in order',
      async () => {
        const [bare, through] = [lessRandom((await alone()).lines), lessRandom((await proxied(server)).lines)];
        expect(through.map(lessListChanged)).toEqual(bare.map(lessListChanged));
        expect(through.slice(1)).toEqual(bare.slice(1));
      },
      TIMEOUT_MS,
    );
  });
}
