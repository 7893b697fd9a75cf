/** wire.md §5: a remote server that only a proxy leads to, as docs/transports.md shows it. */
import { expect, test } from 'bun:test';
import { ALLOW_ALL, startProxy } from '../../harness/proxy.ts';
import { until } from '../../harness/wait.ts';
import { startForwardProxy } from '../../http/forward-proxy.ts';
import { startScripted } from '../../http/scripted.ts';

const NONE = { NO_PROXY: '', no_proxy: '', https_proxy: '', http_proxy: '', all_proxy: '' };
const PATIENCE = 60_000;

test(
  'calls go through it, and start says so without its password',
  async () => {
    await using upstream = await startScripted();
    await using forward = await startForwardProxy(Number(new URL(upstream.url).port), 'user:hush');
    await using proxy = await startProxy({
      policy: ALLOW_ALL,
      flags: ['--upstream', 'http://mcp.test/mcp', '--log-level', 'info'],
      env: { ...NONE, HTTP_PROXY: forward.url },
    });
    await proxy.client.initialize();
    expect((await proxy.client.request('tools/call', { name: 'x', arguments: {} })).result).toEqual({});
    expect(new Set(forward.asked)).toContainEqual(['POST http://mcp.test/mcp', `Basic ${btoa('user:hush')}`]);
    await proxy.client.close();
    expect(proxy.client.stderr()).toContain(`mcp.test is reached through the proxy 127.0.0.1:${forward.port} (HTTP_PROXY)`);
    expect(proxy.client.stderr()).not.toContain('hush');
  },
  PATIENCE,
);

test(
  'what is not used is said once; what names no proxy keeps it from starting',
  async () => {
    await using unused = await startProxy({
      policy: ALLOW_ALL,
      flags: ['--upstream', 'https://mcp.invalid/', '--log-level', 'info'],
      env: { ...NONE, HTTPS_PROXY: '', ALL_PROXY: 'http://user:hush@proxy.invalid' },
    });
    await until('the warning', () => unused.client.stderr().includes('ALL_PROXY is set, and is not used') || undefined);
    await unused.client.close();
    expect(unused.client.stderr()).not.toContain('hush');

    await using wrong = await startProxy({
      policy: ALLOW_ALL,
      flags: ['--upstream', 'https://mcp.invalid/'],
      env: { ...NONE, HTTPS_PROXY: 'socks5://user:hush@proxy.invalid' },
    });
    expect((await wrong.client.exited).code).not.toBe(0);
    expect(wrong.client.stderr()).toContain('HTTPS_PROXY does not name an HTTP proxy');
    expect(wrong.client.stderr()).not.toContain('hush');
  },
  PATIENCE,
);
