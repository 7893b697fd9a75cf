/** wire.md §5: servers behind a proxy, as the environment names it. */
import { afterAll, describe, expect, test } from 'bun:test';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UsageError } from '../../src/core/fault.ts';
import { openHttpClient } from '../../src/http/client.ts';
import { proxyFor } from '../../src/http/proxies.ts';
import { RUNTIMES } from '../process/relays.ts';
import { makeAuthority, OPENSSL } from './certificates.ts';
import { faultOf, post, textOf } from './exchange.ts';
import { startForwardProxy } from './forward-proxy.ts';
import { counted, startRaw } from './raw-server.ts';

const SECRET = 'http://user:hush@proxy.example:3128';
const ROWS: readonly (readonly [url: string, env: Readonly<Record<string, string>>, name: string | undefined])[] = [
  ['https://mcp.example.com/', {}, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET }, 'HTTPS_PROXY'],
  ['https://mcp.example.com/', { https_proxy: SECRET, HTTPS_PROXY: 'http://other.example' }, 'https_proxy'],
  ['https://mcp.example.com/', { HTTP_PROXY: SECRET, ALL_PROXY: SECRET }, undefined],
  ['http://mcp.example.com/', { HTTP_PROXY: SECRET }, 'HTTP_PROXY'],
  ['http://mcp.example.com/', { HTTP_PROXY: '' }, undefined],
  ['http://127.0.0.1:1/', { HTTP_PROXY: SECRET }, undefined],
  ['http://localhost/', { HTTP_PROXY: SECRET, NO_PROXY: '' }, undefined],
  ['http://[::1]:1/', { HTTP_PROXY: SECRET }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, NO_PROXY: '*' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, NO_PROXY: 'a.test, .Example.com' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, NO_PROXY: 'a.test *.example.com' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, no_proxy: 'example.com', NO_PROXY: 'x' }, undefined],
  ['https://mcp.example.com:8443/', { HTTPS_PROXY: SECRET, no_proxy: 'mcp.example.com:8443' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, no_proxy: 'mcp.example.com:443' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, no_proxy: 'mcp.example.com:8443' }, 'HTTPS_PROXY'],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, no_proxy: 'ample.com,.,:443' }, 'HTTPS_PROXY'],
  ['https://192.0.2.7/', { HTTPS_PROXY: SECRET, no_proxy: '192.0.2.7' }, undefined],
  ['https://192.0.2.7/', { HTTPS_PROXY: SECRET, no_proxy: '2.7,192.0.2.70' }, 'HTTPS_PROXY'],
  ['https://192.0.2.7/', { HTTPS_PROXY: SECRET, no_proxy: '192.0.2.0/24' }, undefined],
  ['https://192.0.3.7/', { HTTPS_PROXY: SECRET, no_proxy: '192.0.2.0/24,192.0.3.0/99,2001:db8::/32' }, 'HTTPS_PROXY'],
  ['https://[2001:db8::7]:444/', { HTTPS_PROXY: SECRET, no_proxy: '[2001:db8::7]:444' }, undefined],
  ['https://[2001:db8::7]/', { HTTPS_PROXY: SECRET, no_proxy: '2001:db8::/32' }, undefined],
];

describe('which proxy leads to a server', () => {
  test.each(ROWS)('%s with %j: %s', (url, env, name) => {
    expect(proxyFor(new URL(url), env)?.name).toBe(name);
  });

  test.each([
    ['proxy.example:3128', 'http://proxy.example:3128/', undefined],
    ['http://proxy.example', 'http://proxy.example/', undefined],
    ['https://us%20er:p%3a@proxy.example', 'https://proxy.example/', `Basic ${btoa('us er:p:')}`],
  ])('%s is one', (text, url, authorization) => {
    const proxy = proxyFor(new URL('https://mcp.example.com/'), { HTTPS_PROXY: text });
    expect([proxy?.url.href, proxy?.authorization]).toEqual([url, authorization]);
  });

  test.each(['socks5://user:hush@proxy.example', 'http://user:hush@', 'http://[hush'])(
    'SECURITY: %s is none: no request goes another way, and the value is not said',
    (text) => {
      const open = () => openHttpClient(new URL('https://mcp.example.com/'), {}, { HTTPS_PROXY: text });
      expect(open).toThrow(UsageError);
      expect(open).toThrow(/^HTTPS_PROXY does not name an HTTP proxy(?!.*hush)/);
    },
  );
});

describe('http', () => {
  test('the proxy is asked for the whole URL, on connections that are used again; its credentials go to it alone', async () => {
    await using server = await startRaw((socket) => void socket.write(counted('hello')));
    await using proxy = await startForwardProxy(Number(new URL(server.url).port), 'us:hush');
    const client = openHttpClient(new URL('http://u:p@mcp.test:81/mcp?a=b'), { 'x-own': '1' }, { HTTP_PROXY: proxy.url });
    for (let i = 0; i < 2; i++) expect(await textOf((await post(client)).body)).toBe('hello');
    const basic = `Basic ${btoa('us:hush')}`;
    expect(proxy.asked).toEqual([
      ['POST http://mcp.test:81/mcp?a=b', basic],
      ['POST http://mcp.test:81/mcp?a=b', basic],
    ]);
    for (const { head, body } of server.requests) {
      expect(head).toMatch(/^POST \/mcp\?a=b HTTP\/1\.1\r\n/);
      expect(head).toMatch(/\r\nhost: mcp\.test:81\r\n/i);
      expect(head).toMatch(/\r\nx-own: 1\r\n/i);
      expect([body, /proxy-/i.test(head)]).toEqual(['{}', false]);
    }
    client.close();
  });

  test('NO_PROXY leads around it', async () => {
    await using server = await startRaw((socket) => void socket.write(counted('hello')));
    const client = openHttpClient(new URL(server.url), {}, { HTTP_PROXY: 'http://127.0.0.1:1' });
    expect(await textOf((await post(client)).body)).toBe('hello');
    client.close();
  });
});

describe('a proxy that does not lead on: nothing was sent, and it says who refused', () => {
  const ask = async (HTTPS_PROXY: string) => {
    const client = openHttpClient(new URL('https://mcp.test/'), {}, { HTTPS_PROXY });
    const { code, sent, message } = await faultOf(post(client));
    client.close();
    expect([code, sent]).toEqual(['unreachable', false]);
    expect(message).not.toContain('hush');
    return message;
  };

  test('it is not there', async () => {
    expect(await ask('http://u:hush@127.0.0.1:1')).toBe(
      'cannot be reached: the proxy 127.0.0.1:1 (HTTPS_PROXY) refuses connections: is it running?',
    );
  });

  test('it wants other credentials', async () => {
    await using proxy = await startForwardProxy(1, 'us:er');
    expect(await ask(`http://u:hush@127.0.0.1:${proxy.port}`)).toMatch(
      /the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) refuses \(407\): it wants/,
    );
  });

  test.each([
    ['closes', '', /the proxy .* closed the connection|the proxy .* broke the connection/],
    ['says something else', 'SSH-2.0-x\r\n\r\n', /the proxy .* something else than HTTP\/1\.1/],
    ['says more than its answer', 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', /the proxy .* sends more than its answer/],
  ])('it %s', async (_, said, expected) => {
    const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.end(said)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await ask(`http://u:hush@127.0.0.1:${port}`)).toMatch(expected);
    server.close();
  });

  test('giving up while it is asked drops the connection', async () => {
    const closed = Promise.withResolvers<void>();
    const giveUp = new AbortController();
    const server = createServer(
      (socket) =>
        void socket
          .on('error', () => {})
          .on('close', closed.resolve)
          .once('data', () => giveUp.abort()),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const client = openHttpClient(new URL('https://mcp.test/'), {}, { HTTPS_PROXY: `http://127.0.0.1:${port}` });
    expect(await faultOf(post(client, { signal: giveUp.signal }))).toMatchObject({ code: 'aborted', sent: false });
    await closed.promise;
    server.close();
  });
});

describe.skipIf(OPENSSL === null)('https', () => {
  const authority = makeAuthority();
  afterAll(authority.remove);
  const good = authority.issue('DNS:mcp.test');
  const foreign = authority.issue('DNS:other.test');

  for (const [name, runtime] of RUNTIMES) {
    const ask = async (HTTPS_PROXY: string): Promise<unknown> => {
      const env = { ...process.env, HTTPS_PROXY, https_proxy: '', NO_PROXY: '', no_proxy: '', NODE_EXTRA_CA_CERTS: authority.authority };
      const script = join(import.meta.dirname, 'children/ask.ts');
      return JSON.parse((await promisify(execFile)(runtime, [script, 'https://mcp.test/mcp'], { env })).stdout);
    };

    test(`${name}: a tunnel, of which the proxy reads nothing`, async () => {
      await using server = await startRaw((socket) => void socket.write(counted('hello')), { secure: good });
      await using proxy = await startForwardProxy(Number(new URL(server.url).port), 'us:hush');
      expect(await ask(proxy.url)).toEqual({ status: 200, body: 'hello' });
      expect(proxy.asked).toEqual([['CONNECT mcp.test:443', `Basic ${btoa('us:hush')}`]]);
      expect(server.requests.map(({ head }) => [/proxy-/i.test(head), /^authorization: Bearer the-secret\r$/im.test(head)])).toEqual([
        [false, true],
      ]);
    }, 60_000);

    test(`${name} SECURITY: the server's certificate is checked through it`, async () => {
      await using server = await startRaw((socket) => void socket.write(counted('hello')), { secure: foreign });
      await using proxy = await startForwardProxy(Number(new URL(server.url).port));
      expect(await ask(proxy.url)).toMatchObject({ code: 'unreachable', sent: false, message: 'has a certificate of another name' });
      expect(server.requests).toEqual([]);
    }, 60_000);
  }
});
