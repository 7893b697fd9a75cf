/** wire.md §2.8, §5: what reaches the upstream, what of it comes back, and what is told where nothing does. */
import { describe, expect, test } from 'bun:test';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { openHttpClient } from '../../src/http/client.ts';
import { startUpstream } from '../harness/upstream.ts';
import { until } from '../harness/wait.ts';
import { faultOf, post, textOf } from './exchange.ts';

const SECRET = { authorization: 'Bearer the-secret' };

describe('wire.md §5: redirects', () => {
  test('307 and 308 of the same origin are followed with method, body and headers', async () => {
    await using upstream = await startUpstream(({ path }, response) => {
      if (path === '/mcp') response.writeHead(307, { location: '/mcp/' }).end();
      else if (path === '/mcp/') response.writeHead(308, { location: `http://${response.req.headers.host}/end` }).end();
      else response.end('done');
    });
    const client = openHttpClient(new URL(`${upstream.url}/mcp`), SECRET);
    expect(await textOf((await post(client)).body)).toBe('done');
    expect(upstream.received.map(({ method, path, body, headers }) => [method, path, body, headers.authorization])).toEqual([
      ['POST', '/mcp', '{}', SECRET.authorization],
      ['POST', '/mcp/', '{}', SECRET.authorization],
      ['POST', '/end', '{}', SECRET.authorization],
    ]);
    client.close();
  });

  test('SECURITY: no request and no credential reaches another origin', async () => {
    await using thief = await startUpstream((_, response) => void response.end());
    await using upstream = await startUpstream((_, response) => void response.writeHead(307, { location: `${thief.url}/x` }).end());
    const client = openHttpClient(new URL(upstream.url), SECRET);
    const fault = await faultOf(post(client));
    expect([fault.code, fault.sent]).toEqual(['redirect', true]);
    expect((await faultOf(post(client, { url: new URL(thief.url) }))).code).toBe('foreign_origin');
    expect(thief.received).toEqual([]);
    client.close();
  });

  for (const [name, status, location] of [
    ['a loop', 307, '/'],
    ['303', 303, '/x'],
    ['302', 302, '/x'],
    ['no location', 307, undefined],
    ['a location that is none', 308, 'http://['],
    ['another scheme', 307, 'file:///etc/passwd'],
  ] as const) {
    test(`${name} is a fault, and whether the call was made is not known`, async () => {
      await using upstream = await startUpstream((_, response) => void response.writeHead(status, location ? { location } : {}).end());
      const client = openHttpClient(new URL(upstream.url), {});
      const fault = await faultOf(post(client));
      expect([fault.code, fault.sent]).toEqual(['redirect', true]);
      expect(upstream.received.length).toBeLessThanOrEqual(6);
      client.close();
    });
  }
});

describe('wire.md §2.8: encodings', () => {
  test('identity is asked for, also where the client asks otherwise; what comes as gzip is inflated', async () => {
    await using upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('hello'));
    });
    const client = openHttpClient(new URL(upstream.url), {});
    expect(await textOf((await post(client)).body)).toBe('hello');
    expect(upstream.received[0]?.headers['accept-encoding']).toBe('identity');
    client.close();
  });

  test('an unknown encoding is a fault', async () => {
    await using upstream = await startUpstream((_, response) => void response.writeHead(200, { 'content-encoding': 'br' }).end('x'));
    const client = openHttpClient(new URL(upstream.url), {});
    const { body } = await post(client);
    expect((await faultOf(textOf(body))).code).toBe('encoding');
    client.close();
  });

  test('a body that only claims to be gzip is a fault', async () => {
    await using upstream = await startUpstream(
      (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('xxxxxxxx'),
    );
    const client = openHttpClient(new URL(upstream.url), {});
    const { body } = await post(client);
    await faultOf(textOf(body));
    client.close();
  });
});

describe('policy.md §6: whether the upstream may have acted', () => {
  test('a refused connection sent nothing', async () => {
    const fault = await faultOf(post(openHttpClient(new URL('http://127.0.0.1:1/'), {})));
    expect([fault.code, fault.sent]).toEqual(['unreachable', false]);
  });

  test('a connection that is closed after the request may have', async () => {
    await using upstream = await startUpstream((_, response) => void response.socket?.destroy());
    const client = openHttpClient(new URL(upstream.url), {});
    const fault = await faultOf(post(client));
    expect([fault.code, fault.sent]).toEqual(['broken', true]);
    client.close();
  });

  test.each([
    ['another protocol, unasked', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n{}'],
    ['a status that HTTP does not have', 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\n{}'],
  ])(
    'a server that answers with %s may have: no request is left without an end (I9)',
    async (_, answer) => {
      const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => void socket.write(answer)));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const client = openHttpClient(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), {});
      const fault = await faultOf(post(client));
      expect([fault.code, fault.sent]).toEqual(['broken', true]);
      client.close();
      server.close();
    },
    20_000,
  );

  test('a request on a kept connection that the server closes is not sent again', async () => {
    let posts = 0;
    const server = createServer((socket) => {
      socket.on('error', () => {});
      let seen = 0;
      socket.on('data', (data) => {
        if (!data.includes('POST')) return;
        posts++;
        if (seen++ === 0) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.destroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = openHttpClient(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), {});
    expect(await textOf((await post(client)).body)).toBe('ok');
    expect((await faultOf(post(client))).sent).toBe(true);
    expect(posts).toBe(2);
    client.close();
    server.close();
  });

  for (const [name, head] of [
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['counted', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'],
  ] as const) {
    test(`half of a ${name} body is a fault, not an end`, async () => {
      const server = createServer((socket) => void socket.on('error', () => {}).on('data', () => socket.end(head)));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const client = openHttpClient(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`), {});
      const { body } = await post(client);
      expect((await faultOf(textOf(body))).code).toBe('broken');
      client.close();
      server.close();
    });
  }

  test('giving up drops the connection, also while the body is read', async () => {
    await using upstream = await startUpstream((_, response) => void response.writeHead(200).write('a'));
    const client = openHttpClient(new URL(upstream.url), {});
    const giveUp = new AbortController();
    const { body } = await post(client, { signal: giveUp.signal });
    const reading = faultOf(textOf(body));
    giveUp.abort();
    await reading;
    await until('the upstream to see it', () => upstream.received[0]?.dropped() || undefined);
    expect((await faultOf(post(client, { signal: giveUp.signal }))).sent).toBe(false);
    client.close();
  });
});

test('600 streams are open at once', async () => {
  await using upstream = await startUpstream((_, response) => void response.writeHead(200).write('a'));
  const client = openHttpClient(new URL(upstream.url), {});
  const answers = await Promise.all(Array.from({ length: 600 }, () => post(client)));
  expect(answers.map(({ status }) => status)).toEqual(Array(600).fill(200));
  for (const answer of answers) answer.discard();
  client.close();
}, 120_000);
