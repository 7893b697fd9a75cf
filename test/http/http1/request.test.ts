/** What is written to the upstream, and what never is. */
import { describe, expect, test } from 'bun:test';
import { openBase, renderRequest } from '../../../src/http/http1/request.ts';
import { faultOf } from '../exchange.ts';

const URL_ = new URL('http://example.com:8080/mcp?tenant=a%20b#part');

function render(rest: Partial<Parameters<typeof renderRequest>[0]> = {}, own: Record<string, string> = {}, url = URL_): string {
  const writes = renderRequest({ method: 'POST', url, headers: {}, body: '{}', ...rest }, openBase(url, own));
  return Buffer.concat(writes.map((part) => Buffer.from(part))).toString('latin1');
}

describe('a request', () => {
  test('has the path of its URL, the host, its headers and its length', () => {
    expect(render({ headers: { accept: 'a/b', 'X-Tenant': 'caf\xe9' } }, { authorization: 'Bearer t' })).toBe(
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

  test('of no body has no length, unless it is one that has bodies', () => {
    expect(render({ method: 'GET', body: undefined })).not.toContain('content-length');
    expect(render({ method: 'DELETE', body: undefined })).not.toContain('content-length');
    expect(render({ body: undefined })).toContain('content-length: 0\r\n');
  });

  test.each([
    ['text', '{"é":"€😀"}'],
    ['text that has half a character', 'a\ud800b'],
    ['bytes', Buffer.from('{"é":"€😀"}')],
    ['large text', '€'.repeat(100_000)],
    ['large bytes', Buffer.alloc(1 << 20, 65)],
  ])('counts the bytes of %s', (_, body) => {
    const [head = '', ...rest] = render({ body }).split('\r\n\r\n');
    const written = rest.join('\r\n\r\n');
    expect(written).toBe(Buffer.from(body).toString('latin1'));
    expect(head).toContain(`content-length: ${written.length}`);
  });

  test("the operator's headers replace the client's, whatever their case", () => {
    const text = render({ headers: { Authorization: 'mine', accept: 'a' } }, { authorization: 'ours' });
    expect(text.match(/authorization: .*/gi)).toEqual(['authorization: ours']);
  });

  test('credentials in the URL are sent as such, where nothing else is', () => {
    const url = new URL('http://us%20er:p%C3%A4ss@example.com/');
    expect(render({}, {}, url)).toContain(`authorization: Basic ${Buffer.from('us er:päss').toString('base64')}\r\n`);
    expect(render({}, { authorization: 'Bearer t' }, url).match(/authorization: .*/g)).toEqual(['authorization: Bearer t']);
  });

  test('SECURITY: those of the configured URL go wherever the server leads, and none that it names', () => {
    const base = openBase(new URL('http://user:pass@example.com/mcp'), {});
    const basic = `authorization: Basic ${Buffer.from('user:pass').toString('base64')}\r\n`;
    for (const to of ['http://example.com/messages?id=1', 'http://other:name@example.com/messages']) {
      const [head] = renderRequest({ method: 'POST', url: new URL(to), headers: {}, body: '{}' }, base);
      expect(`${Buffer.from(head)}`.match(/authorization: .*\r\n/g)).toEqual([basic]);
    }
  });

  test.each([
    ['us%er:p%zz', 'us%er:p%zz'],
    ['%E4:%FF%00', '\xe4:\xff\0'],
    ['%25:', '%:'],
  ])('credentials need not be well-formed: %s', (text, bytes) => {
    const url = new URL(`http://${text}@example.com/`);
    expect(render({}, {}, url)).toContain(`authorization: Basic ${Buffer.from(bytes, 'latin1').toString('base64')}\r\n`);
  });

  test('who sends no name of its own goes by ours', () => {
    expect(render({ headers: { 'User-Agent': 'agent/1' } }).match(/user-agent: .*/g)).toEqual(['user-agent: agent/1']);
  });

  test('an address of IPv6 stands in brackets', () => {
    expect(render({}, {}, new URL('http://[::1]:81/x'))).toContain('host: [::1]:81\r\n');
  });
});

describe('SECURITY: nothing is smuggled', () => {
  test.each(['Host', 'Authorization', 'Accept-Encoding', 'User-Agent', 'X-Own'])('%s is one header, however it is written', (name) => {
    const lines = render({ headers: { [name]: 'given', [name.toUpperCase()]: 'last' } }, {}, new URL('http://u:p@example.com/'));
    expect(lines.match(new RegExp(`^${name}: .*`, 'gim'))).toEqual([`${name.toLowerCase()}: last`]);
  });

  test.each(['a\r\nX: y', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'a\u2028b', 'a\u010ab'])('a value with %j is not sent', async (value) => {
    const fault = await faultOf(Promise.try(() => render({ headers: { 'x-a': value } })));
    expect([fault.code, fault.sent]).toEqual(['unreachable', false]);
    expect(fault.message).not.toContain(value);
    await faultOf(Promise.try(() => render({}, { 'x-a': value })));
  });

  test.each(['', 'a b', 'a:', 'a\r\nb', 'é', 'a\0'])('a header of the name %j is not sent', async (name) => {
    expect((await faultOf(Promise.try(() => render({ headers: { [name]: 'x' } })))).sent).toBe(false);
  });

  test.each(['connection', 'Content-Length', 'transfer-encoding', 'TE', 'Trailer', 'upgrade', 'expect', 'keep-alive', 'proxy-connection'])(
    '%s is ours to write',
    (name) => {
      const lines = render({ headers: { [name]: 'evil' } }, { [name.toLowerCase()]: 'evil' });
      expect(lines).not.toContain('evil');
    },
  );

  test('names that objects have are names', () => {
    expect(render({ headers: JSON.parse('{"__proto__":"x","constructor":"y"}') })).toContain('__proto__: x\r\nconstructor: y\r\n');
  });
});
