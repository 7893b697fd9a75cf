import { describe, expect, test } from 'bun:test';
import { parseListen } from '../../../src/cli/declare/proxy.ts';
import { parseRemote } from '../../../src/run/remote.ts';
import type { Remote } from '../../../src/serve/options.ts';
import { shownUrl, warningsOf } from '../../../src/serve/remote-secrets.ts';

const ENV = {
  TOKEN: '0123456789abcdef',
  AUTH: 'Bearer secret',
  SHORT: 'abc',
  SAME: '0123456789abcdef',
  EMPTY: '',
  BREAK: 'a\r\nX-Evil: 1',
};

const variable = (name: string) => `\${${name}}`;

describe('cli.md §1: --upstream and its headers', () => {
  const remote = (more: object) => parseRemote({ upstream: 'https://mcp.example.com/mcp', header: [], headerEnv: [], ...more }, ENV);
  test('values come from the line, from variables in it, and from --header-env, whose variables no server gets', () => {
    const parsed = remote({ header: ['X-Tenant: acme', `X-Auth:  ${variable('AUTH')} `], headerEnv: ['Authorization=TOKEN'] });
    expect(parsed?.headers).toEqual({ 'x-tenant': 'acme', 'x-auth': 'Bearer secret', authorization: '0123456789abcdef' });
    expect(parsed?.secretEnv).toEqual(['AUTH', 'TOKEN']);
  });
  test.each<object>([
    { upstream: 'mcp.example.com' },
    { upstream: 'ftp://mcp.example.com' },
    { upstream: 'file:///etc/passwd' },
    { header: ['no colon'] },
    { header: [': no name'] },
    { header: ['a b: c'] },
    { header: [`X: ${variable('UNSET')}`] },
    { header: [`X: ${variable('EMPTY')}`] },
    { header: ['Host: evil'] },
    { header: ['Mcp-Session-Id: mine'] },
    { header: [`X: ${variable('BREAK')}`] },
    { headerEnv: ['Authorization'] },
    { headerEnv: ['Authorization=UNSET'] },
    { headerEnv: ['X=BREAK'] },
    { upstream: undefined, header: ['X: y'] },
  ])('%j is wrong usage', (flags) => {
    expect(() => remote(flags)).toThrow();
  });
  test('what is wrong with a value is said without it', () => {
    expect(() => remote({ headerEnv: ['X=BREAK'] })).toThrow(/^(?!.*Evil).*"x".*$/);
  });
});

describe('cli.md §1, wire.md §5: where the proxy listens', () => {
  const listen = (more: object) => parseListen({ transport: 'http', ...more }, ENV);
  test('on loopback, at a free port, for 64 sessions, unless told otherwise', () => {
    expect(listen({})).toEqual({
      ...{
        bind: '127.0.0.1',
        port: 0,
        publicUrl: undefined,
        hosts: [],
        origins: [],
        token: undefined,
        agentTokens: [],
        passHeaders: [],
        preserveHost: false,
      },
      ...{ maxSessions: 64, upstreamSse: false },
    });
    expect(parseListen({}, ENV)).toBeUndefined();
  });
  test.each([
    ['https://mcp.example.com', 'https://mcp.example.com', 'mcp.example.com'],
    ['https://mcp.example.com/', 'https://mcp.example.com', 'mcp.example.com'],
    ['http://mcp', 'http://mcp', 'mcp'],
    ['http://mcp/mcp/', 'http://mcp', 'mcp'],
    ['https://mcp.example.com/mcp/mcp', 'https://mcp.example.com/mcp', 'mcp.example.com'],
    ['https://[::1]:8443/team', 'https://[::1]:8443/team', '[::1]:8443'],
    ['https://MCP.example.com:8443/mcp', 'https://mcp.example.com:8443', 'mcp.example.com:8443'],
    ['http://mcp.example.com/team/a/', 'http://mcp.example.com/team/a', 'mcp.example.com'],
    ['https://mcp.example.com/team/mcp/', 'https://mcp.example.com/team', 'mcp.example.com'],
  ])('--public-url %s is %s, and its host is allowed', (publicUrl, known, host) => {
    expect(listen({ publicUrl })).toMatchObject({ publicUrl: known, hosts: [...new Set([host, host.replace(/:\d+$/, '')])] });
  });
  test.each([
    'mcp.example.com',
    '/mcp',
    'ftp://a.example',
    'https://a:b@c.example',
    'https://a.example/?x',
    'https://a.example/#x',
    'https://a.example//b',
    '',
  ])('--public-url %j is wrong usage', (publicUrl) => {
    expect(() => listen({ publicUrl })).toThrow('--public-url');
  });
  test.each(['127.0.0.1', '::1', 'localhost', '127.1.2.3'])('%s needs no token', (bind) => {
    expect(listen({ bind })?.bind).toBe(bind);
  });
  test.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.0.0.1.example.com'])('%s needs one', (bind) => {
    expect(() => listen({ bind })).toThrow('nothing says who may');
    expect(listen({ bind, tokenEnv: 'TOKEN' })?.token?.variable).toBe('TOKEN');
  });
  test.each<object>([
    { tokenEnv: 'UNSET' },
    { agentToken: ['ann'] },
    { agentToken: ['=TOKEN'] },
    { agentToken: ['ann=UNSET'] },
    { agentToken: ['ann=SHORT'] },
    { agentToken: ['ann=TOKEN', 'bob=TOKEN'] },
    { agentToken: ['ann=TOKEN', 'bob=SAME'] },
    { agentToken: ['ann=TOKEN'], tokenEnv: 'SAME' },
    { tokenEnv: 'SHORT' },
    { tokenEnv: 'AUTH' },
    { allowOrigin: ['*'] },
    { allowOrigin: ['null'] },
    { allowOrigin: ['https://a.example/'] },
    { allowOrigin: ['a.example'] },
    { allowHost: ['*'] },
    { allowHost: ['https://a.example'] },
    { allowHost: ['a.example/x'] },
    { passHeader: ['Authorization'] },
    { passHeader: ['cookie'] },
    { passHeader: ['a b'] },
    { transport: 'stdio', bind: '127.0.0.1' },
    { transport: undefined, tokenEnv: 'TOKEN' },
  ])('%j is wrong usage', (flags) => {
    expect(() => listen(flags)).toThrow();
  });
  test('names are compared in lower case', () => {
    const parsed = listen({ allowHost: ['MCP.Example:8443'], allowOrigin: ['https://a.example:444'], passHeader: ['X-Tenant'] });
    expect([parsed?.hosts, parsed?.origins, parsed?.passHeaders]).toEqual([['mcp.example:8443'], ['https://a.example:444'], ['x-tenant']]);
  });
});

describe('I10: what of a remote server is secret, and what its operator is told', () => {
  const remote = (upstream: string, more: object = {}) => parseRemote({ upstream, header: [], headerEnv: [], ...more }, ENV) as Remote;
  const shown = (upstream: string) => shownUrl(remote(upstream));

  test('a URL is shown without its user, its secret parameters and the tokens in its path', () => {
    expect(shown('https://me:pass-word@mcp.example.com/mcp')).toBe('https://mcp.example.com/mcp');
    expect(shown('https://h.example/mcp?api_key=abcdef123&tenant=acme')).toBe('https://h.example/mcp?api_key=[redacted]&tenant=acme');
    expect(shown('https://h.example/s/ab12cd34ef56ab78cd90ef12/mcp')).toBe('https://h.example/s/[redacted]/mcp');
    const uuid = 'https://h.example/mcp/123e4567-e89b-12d3-a456-426614174000/';
    expect(shown(uuid)).toBe(uuid);
  });

  const told: readonly [string, string, object, RegExp[]][] = [
    ['nothing', 'https://h.example/mcp', { headerEnv: ['Authorization=TOKEN'] }, []],
    [
      'a literal secret',
      'https://h.example/mcp',
      { header: ['Authorization: Bearer abcdefgh'] },
      [/"authorization" shows in process lists/],
    ],
    ['no secret', 'https://h.example/mcp', { header: ['X-Tenant: acme'] }, []],
    ['a secret in the URL', 'https://h.example/mcp?token=abcdefgh', {}, [/--upstream holds a secret/]],
    ['no encryption', 'http://h.example/mcp', { headerEnv: ['Authorization=TOKEN'] }, [/without encryption/]],
    ['no encryption, and no credential', 'http://h.example/mcp', {}, []],
    ['this machine', 'http://127.0.0.1:9/mcp', { headerEnv: ['Authorization=TOKEN'] }, []],
    ['this machine by IPv6', 'http://[::1]:9/mcp', { headerEnv: ['Authorization=TOKEN'] }, []],
  ];
  for (const [name, url, flags, warnings] of told)
    test(`${name}: ${warnings.length} warnings`, () => {
      const found = warningsOf(remote(url, flags));
      expect(found).toHaveLength(warnings.length);
      for (const [index, warning] of warnings.entries()) expect(found[index]).toMatch(warning);
      expect(found.join()).not.toContain('abcdefgh');
    });
});
