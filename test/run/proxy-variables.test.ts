/** What is said of HTTP_PROXY and its like, which are not used. */
import { expect, test } from 'bun:test';
import { proxyWarning } from '../../src/run/proxy-variables.ts';
import { ALLOW_ALL, startProxy } from '../harness/proxy.ts';
import { until } from '../harness/wait.ts';

const SECRET = 'http://user:hush@proxy.example:3128';
const ROWS: readonly (readonly [string, Readonly<Record<string, string>>, string | undefined])[] = [
  ['https://mcp.example.com/', {}, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET }, 'HTTPS_PROXY'],
  ['https://mcp.example.com/', { https_proxy: SECRET, HTTPS_PROXY: SECRET }, 'https_proxy'],
  ['https://mcp.example.com/', { HTTP_PROXY: SECRET }, undefined],
  ['http://mcp.example.com/', { HTTP_PROXY: SECRET }, 'HTTP_PROXY'],
  ['http://mcp.example.com/', { ALL_PROXY: SECRET }, 'ALL_PROXY'],
  ['http://mcp.example.com/', { HTTP_PROXY: '' }, undefined],
  ['http://127.0.0.1:1/', { HTTP_PROXY: SECRET }, undefined],
  ['http://[::1]:1/', { HTTP_PROXY: SECRET }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, NO_PROXY: '*' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, NO_PROXY: 'a.test, .Example.com' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, no_proxy: 'example.com' }, undefined],
  ['https://mcp.example.com:8443/', { HTTPS_PROXY: SECRET, no_proxy: 'mcp.example.com:8443' }, undefined],
  ['https://mcp.example.com/', { HTTPS_PROXY: SECRET, no_proxy: 'ample.com' }, 'HTTPS_PROXY'],
];

test.each(ROWS)('%s with %j: %s', (url, env, name) => {
  const warning = proxyWarning(new URL(url), env);
  expect(warning).toBe(name === undefined ? undefined : `${name} is set, and is not used: mcp.example.com is connected to directly`);
});

test('it is said once, at the start, without the value', async () => {
  await using proxy = await startProxy({
    policy: ALLOW_ALL,
    flags: ['--upstream', 'https://mcp.invalid/', '--log-level', 'info'],
    env: { HTTPS_PROXY: SECRET, NO_PROXY: '', no_proxy: undefined },
  });
  await until('the warning', () => proxy.client.stderr().includes('HTTPS_PROXY is set') || undefined);
  await proxy.client.close();
  expect(proxy.client.stderr().match(/HTTPS_PROXY/g)).toHaveLength(1);
  expect(proxy.client.stderr()).not.toContain('hush');
}, 60_000);
