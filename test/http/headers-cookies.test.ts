/** wire.md §5: which cookies of the upstream go back to it, and with what. */
import { describe, expect, test } from 'bun:test';
import { openHttpClient } from '../../src/http/client.ts';
import { createCookieJar, MAX_BYTES, MAX_COOKIES } from '../../src/http/headers.ts';
import { startUpstream } from '../harness/upstream.ts';
import { faultOf, post } from './exchange.ts';

const HTTP = new URL('http://mcp.example.com/a/mcp');
const HTTPS = new URL('https://mcp.example.com/a/mcp');

async function sentAfter(lines: readonly string[], to: URL = HTTP, from: URL = to): Promise<string | undefined> {
  const jar = createCookieJar(() => Date.parse('2026-01-01T00:00:00Z'));
  await jar.take(lines, from);
  return jar.headerFor(to, undefined);
}

describe('a cookie', () => {
  for (const [name, line, sent] of [
    ['as it came', 'a=b%20"c,d"', 'a=b%20"c,d"'],
    ['with white space around it', '\t a \t= b ; Path=/', 'a=b'],
    ['with no value', 'a=', 'a='],
    ['with a value that has "="', 'a=b=c', 'a=b=c'],
    ['called like a member of objects', '__proto__=1', '__proto__=1'],
    ['without a name', '=b', undefined],
    ['that is no pair', 'b', undefined],
    ['with a name that is none', 'a b=c', undefined],
    ['of its host', 'a=b; Domain=mcp.example.com', 'a=b'],
    ['of a domain above', 'a=b; Domain=.Example.com', 'a=b'],
    ['of another domain', 'a=b; Domain=evil.example', undefined],
    ['of a domain below', 'a=b; Domain=x.mcp.example.com', undefined],
    ['of a name that only ends so', 'a=b; Domain=p.example.com', undefined],
    ['of a path above', 'a=b; Path=/a', 'a=b'],
    ['of the path itself', 'a=b; Path=/a/mcp', 'a=b'],
    ['of another path', 'a=b; Path=/b', undefined],
    ['of a path that is only begun so', 'a=b; Path=/a/mc', undefined],
    ['of a path that is none', 'a=b; Path=mcp', 'a=b'],
    ['over by its age', 'a=b; Max-Age=0', undefined],
    ['over by its date', 'a=b; Expires=Wed, 31 Dec 2025 23:59:59 GMT', undefined],
    ['whose age says otherwise than its date', 'a=b; Expires=Wed, 31 Dec 2025 23:59:59 GMT; Max-Age=9', 'a=b'],
    ['of an age beyond numbers', `a=b; Max-Age=${'9'.repeat(400)}`, 'a=b'],
    ['of a date that is none', 'a=b; Expires=tomorrow', 'a=b'],
    ['longer than one may be', `a=${'b'.repeat(5_000)}`, undefined],
    ['that is secure, over plain HTTP', 'a=b; Secure', undefined],
  ] as const)
    test(name, async () => expect(await sentAfter([line])).toBe(sent));

  test('that is secure goes over TLS alone', async () => {
    expect(await sentAfter(['a=b; Secure'], HTTPS)).toBe('a=b');
    expect(await sentAfter(['a=b; Secure'], HTTP, HTTPS)).toBeUndefined();
  });

  test('of an address is of no part of it', async () => {
    const url = new URL('http://127.0.0.1:1/');
    expect(await sentAfter(['a=b; Domain=0.0.1', 'c=d; Domain=127.0.0.1'], url)).toBe('c=d');
  });

  test('of no path is of the folder of what set it', async () => {
    expect(await sentAfter(['a=b'], new URL('http://mcp.example.com/a'), HTTP)).toBe('a=b');
    expect(await sentAfter(['a=b'], new URL('http://mcp.example.com/'), HTTP)).toBeUndefined();
    expect(await sentAfter(['a=b'], HTTP, new URL('http://mcp.example.com/x'))).toBe('a=b');
  });

  test('set anew replaces, and is deleted; over once its time has come', async () => {
    let now = 0;
    const jar = createCookieJar(() => now);
    await jar.take(['a=1; Path=/', 'b=1; Path=/', 'a=2; Path=/; Max-Age=10'], HTTP);
    expect(jar.headerFor(HTTP, undefined)).toBe('b=1; a=2');
    await jar.take(['b=; Path=/; Max-Age=0'], HTTP);
    expect(jar.headerFor(HTTP, undefined)).toBe('a=2');
    now = 10_000;
    expect(jar.headerFor(HTTP, undefined)).toBeUndefined();
  });

  test('of the longer path stands first, and the operator’s own before all', async () => {
    const jar = createCookieJar();
    await jar.take(['a=1; Path=/', 'a=2; Path=/a', 'own=stolen; Path=/'], HTTP);
    expect(jar.headerFor(HTTP, 'own=1; x=2')).toBe('own=1; x=2; a=2; a=1');
  });

  test('I11: thousands, of any size, leave a bounded number', async () => {
    for (const size of [1, 200, 4_000]) {
      const jar = createCookieJar();
      for (let at = 0; at < 5_000; at++) await jar.take([`c${at}=${'x'.repeat(size)}; Path=/`], HTTP);
      const sent = jar.headerFor(HTTP, undefined) ?? '';
      expect(sent.split('; ').length).toBeLessThanOrEqual(MAX_COOKIES);
      expect(sent.length).toBeLessThanOrEqual(MAX_BYTES + 2 * MAX_COOKIES);
      expect(sent).toContain('c4999=');
    }
  });
});

describe('the client', () => {
  test('sends cookies of this session, also those of a redirect, and shows none', async () => {
    await using upstream = await startUpstream(({ path }, response) => {
      if (path === '/mcp') response.writeHead(307, { location: '/mcp/end', 'set-cookie': ['a=1; Path=/mcp', 'b=2, 3; Path=/'] }).end();
      else response.writeHead(200, { 'set-cookie': 'c=4; Path=/else' }).end();
    });
    const client = openHttpClient(new URL(`${upstream.url}/mcp`), { cookie: 'mine=0' });
    const cookies = createCookieJar();
    expect((await post(client, { cookies })).headers['set-cookie']).toBeUndefined();
    await post(client);
    await post(client, { cookies: createCookieJar() });
    expect(upstream.received.map(({ headers }) => headers.cookie)).toEqual([
      'mine=0',
      'mine=0; a=1; b=2, 3',
      ...['mine=0', 'mine=0', 'mine=0', 'mine=0; a=1; b=2, 3'],
    ]);
    client.close();
  });

  test('SECURITY: a redirect to another origin takes no cookie along, and none in', async () => {
    await using thief = await startUpstream((_, response) => void response.end());
    await using upstream = await startUpstream(
      (_, response) => void response.writeHead(307, { location: `${thief.url}/x`, 'set-cookie': 'a=1; Path=/' }).end(),
    );
    const client = openHttpClient(new URL(upstream.url), {});
    expect((await faultOf(post(client, { cookies: createCookieJar() }))).code).toBe('redirect');
    expect(thief.received).toEqual([]);
    client.close();
  });
});
