/** What is written to the upstream, and what never is. */
import { describe, expect, test } from 'bun:test';
import { openHttpClient, type UpstreamRequest } from '../../src/http/client.ts';
import { faultOf, post, textOf } from './exchange.ts';
import { counted, startRaw } from './raw-server.ts';

/** A request as a server reads it: with `own` headers of the operator's, to a URL with `user` before its host. */
async function written(
  rest: Partial<UpstreamRequest> = {},
  own: Record<string, string> = {},
  { user = '', path = '/mcp?tenant=a%20b#part' } = {},
): Promise<string> {
  await using server = await startRaw((socket) => void socket.write(counted('ok')));
  const { host } = new URL(server.url);
  const client = openHttpClient(new URL(`http://${user}${host}${path}`), own);
  try {
    await textOf((await post(client, rest)).body);
  } finally {
    client.close();
  }
  const [request] = server.requests;
  return `${request?.head}${request?.body}`.replaceAll(host, 'example.com:8080');
}

describe('a request', () => {
  test('has the path of its URL, the host, its headers and its length', async () => {
    expect(await written({ headers: { accept: 'a/b', 'X-Tenant': 'caf\xe9' } }, { authorization: 'Bearer t' })).toBe(
      [
        'POST /mcp?tenant=a%20b HTTP/1.1',
        'host: example.com:8080',
        'user-agent: intercept',
        'accept-encoding: identity',
        'accept: a/b',
        'x-tenant: caf\xe9',
        'authorization: Bearer t',
        'content-length: 2',
        'connection: keep-alive',
        '',
        '{}',
      ].join('\r\n'),
    );
  });

  test('of no body has no length, unless it is one that has bodies', async () => {
    expect(await written({ method: 'GET', body: undefined })).not.toContain('content-length');
    expect(await written({ method: 'DELETE', body: undefined })).not.toContain('content-length');
    expect(await written({ body: undefined })).toContain('content-length: 0\r\n');
  });

  test.each([
    ['text', '{"é":"€😀"}'],
    ['text that has half a character', 'a\ud800b'],
    ['bytes', Buffer.from('{"é":"€😀"}')],
    ['large text', '€'.repeat(100_000)],
    ['large bytes', Buffer.alloc(1 << 20, 65)],
  ])('counts the bytes of %s', async (_, body) => {
    const [head = '', ...rest] = (await written({ body })).split('\r\n\r\n');
    const sent = rest.join('\r\n\r\n');
    expect(sent).toBe(Buffer.from(body).toString('latin1'));
    expect(head).toContain(`content-length: ${sent.length}`);
  });

  test("the operator's headers replace the client's, whatever their case", async () => {
    const text = await written({ headers: { Authorization: 'mine', accept: 'a' } }, { authorization: 'ours' });
    expect(text.match(/authorization: .*/gi)).toEqual(['authorization: ours']);
  });

  test('credentials in the URL are sent as such, where nothing else is', async () => {
    const url = { user: 'us%20er:p%C3%A4ss@' };
    expect(await written({}, {}, url)).toContain(`authorization: Basic ${Buffer.from('us er:päss').toString('base64')}\r\n`);
    expect((await written({}, { authorization: 'Bearer t' }, url)).match(/authorization: .*/g)).toEqual(['authorization: Bearer t']);
  });

  test('SECURITY: those of the configured URL go wherever the server leads, and none that it names', async () => {
    await using server = await startRaw((socket) => void socket.write(counted('ok')));
    const { host } = new URL(server.url);
    const client = openHttpClient(new URL(`http://user:pass@${host}/mcp`), {});
    const basic = `authorization: Basic ${Buffer.from('user:pass').toString('base64')}\r\n`;
    for (const to of [`http://${host}/messages?id=1`, `http://other:name@${host}/messages`])
      await textOf((await post(client, { url: new URL(to) })).body);
    expect(server.requests.map(({ head }) => head.match(/authorization: .*\r\n/g))).toEqual([[basic], [basic]]);
    client.close();
  });

  test.each([
    ['us%er:p%zz', 'us%er:p%zz'],
    ['%E4:%FF%00', '\xe4:\xff\0'],
    ['%25:', '%:'],
  ])('credentials need not be well-formed: %s', async (text, bytes) => {
    expect(await written({}, {}, { user: `${text}@` })).toContain(
      `authorization: Basic ${Buffer.from(bytes, 'latin1').toString('base64')}\r\n`,
    );
  });

  test('who sends no name of its own goes by ours', async () => {
    expect((await written({ headers: { 'User-Agent': 'agent/1' } })).match(/user-agent: .*/g)).toEqual(['user-agent: agent/1']);
  });
});

describe('SECURITY: nothing is smuggled', () => {
  test.each(['Host', 'Authorization', 'Accept-Encoding', 'User-Agent', 'X-Own'])(
    '%s is one header, however it is written',
    async (name) => {
      const lines = await written({ headers: { [name]: 'given', [name.toUpperCase()]: 'last' } }, {}, { user: 'u:p@' });
      expect(lines.match(new RegExp(`^${name}: .*`, 'gim'))).toEqual([`${name.toLowerCase()}: last`]);
    },
  );

  test.each(['a\r\nX: y', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'a\u2028b', 'a\u010ab'])('a value with %j is not sent', async (value) => {
    const fault = await faultOf(written({ headers: { 'x-a': value } }));
    expect([fault.code, fault.sent]).toEqual(['unreachable', false]);
    expect(fault.message).not.toContain(value);
    await faultOf(written({}, { 'x-a': value }));
  });

  test.each(['', 'a b', 'a:', 'a\r\nb', 'é', 'a\0'])('a header of the name %j is not sent', async (name) => {
    expect((await faultOf(written({ headers: { [name]: 'x' } }))).sent).toBe(false);
  });

  test.each(['connection', 'Content-Length', 'transfer-encoding', 'TE', 'Trailer', 'upgrade', 'expect', 'keep-alive', 'proxy-connection'])(
    '%s is ours to write',
    async (name) => {
      const lines = await written({ headers: { [name]: 'evil' } }, { [name.toLowerCase()]: 'evil' });
      expect(lines).not.toContain('evil');
    },
  );

  test('names that objects have are names', async () => {
    expect(await written({ headers: JSON.parse('{"__proto__":"x","constructor":"y"}') })).toContain('__proto__: x\r\nconstructor: y\r\n');
  });
});
