/** TLS on both runtimes: certificates are checked as the platform does by default, and who has none that holds is told nothing. */
import { afterAll, describe, expect, test } from 'bun:test';
import { execFile } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RUNTIMES } from '../process/relays.ts';
import { makeAuthority, OPENSSL } from './certificates.ts';
import { counted, startRaw } from './raw-server.ts';

const ASK = join(import.meta.dirname, 'children/ask.ts');
const PATIENCE = 60_000;

describe.skipIf(OPENSSL === null)('TLS', () => {
  const authority = makeAuthority();
  afterAll(authority.remove);
  const good = authority.issue('DNS:localhost,IP:127.0.0.1');
  const foreign = authority.issue('DNS:other.example');

  async function ask(runtime: string, urls: readonly string[], env: Record<string, string>): Promise<unknown[]> {
    const { stdout } = await promisify(execFile)(runtime, [ASK, ...urls], { env: { ...process.env, ...env } });
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  for (const [name, runtime] of RUNTIMES) {
    test(
      `${name}: a certificate of an authority that is named, for an address and for a name`,
      async () => {
        await using server = await startRaw((socket) => void socket.write(counted('hello')), { secure: good });
        const urls = [server.url, server.url.replace('127.0.0.1', 'localhost')];
        const answers = await ask(runtime, urls, { NODE_EXTRA_CA_CERTS: authority.authority });
        expect(answers).toEqual(urls.map(() => ({ status: 200, body: 'hello' })));
      },
      PATIENCE,
    );

    test(
      `${name} SECURITY: of an authority that nobody named, or for another name: nothing is sent`,
      async () => {
        await using unknown = await startRaw((socket) => void socket.write(counted('hello')), { secure: good });
        await using other = await startRaw((socket) => void socket.write(counted('hello')), { secure: foreign });
        const [first] = await ask(runtime, [unknown.url], {});
        expect(first).toMatchObject({ code: 'unreachable', sent: false, message: expect.stringMatching(/NODE_EXTRA_CA_CERTS/) });
        const others = await ask(runtime, [other.url, other.url.replace('127.0.0.1', 'localhost')], {
          NODE_EXTRA_CA_CERTS: authority.authority,
        });
        for (const fault of others)
          expect(fault).toMatchObject({ code: 'unreachable', sent: false, message: 'has a certificate of another name' });
        expect([...unknown.requests, ...other.requests]).toEqual([]);
      },
      PATIENCE,
    );

    test(
      `${name}: no TLS where it is expected`,
      async () => {
        const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(counted('hello'))));
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const [fault] = await ask(runtime, [`https://127.0.0.1:${(server.address() as AddressInfo).port}/`], {});
        expect(fault).toMatchObject({ code: 'unreachable', sent: false, message: 'does not speak TLS: is its URL one of http?' });
        server.close();
      },
      PATIENCE,
    );
  }
});
