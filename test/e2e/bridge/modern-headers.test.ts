/** wire.md §2.10: the headers of 2026-07-28, written from the body and the tools' schemas, as a server of the official SDK checks them. */
import { expect, test } from 'bun:test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { textOf } from '../../harness/message.ts';
import { modern } from '../../harness/modern.ts';
import { ALLOW_ALL, startProxy } from '../../harness/proxy.ts';

const PATIENCE = 60_000;

/** A server whose tool wants a header beside an argument; `rename` changes which. */
async function startRegional() {
  let header = 'Region';
  const seen: Record<string, string>[] = [];
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'regional', version: '1' });
    const schema = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': header } } } as const;
    server.registerTool('buy', { inputSchema: fromJsonSchema(schema) }, async (args) => ({
      content: [{ type: 'text' as const, text: `bought in ${(args as { region?: string }).region}` }],
    }));
    return server;
  });
  const node = toNodeHandler(handler);
  const server = createServer((request, response) => {
    seen.push(Object.fromEntries(Object.entries(request.headers).filter(([name]) => name.startsWith('mcp-'))) as Record<string, string>);
    void node(request as NodeIncomingMessageLike, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    rename: (to: string) => {
      header = to;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test(
  'arguments go beside the body once the tools are known; where they are not, or changed, they are learnt',
  async () => {
    await using server = await startRegional();
    await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', server.url] });
    const buy = (region: string) => proxy.client.request('tools/call', modern({ name: 'buy', arguments: { region } }));
    expect(textOf(await buy('eu'))).toBe('bought in eu');
    expect(server.seen.map((headers) => headers['mcp-method'])).toEqual(['tools/call', 'tools/list', 'tools/call']);
    expect(server.seen.at(-1)).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'buy',
      'mcp-param-region': 'eu',
    });
    const before = server.seen.length;
    expect(textOf(await buy('größe 😀'))).toBe('bought in größe 😀');
    expect(server.seen.length).toBe(before + 1);
    server.rename('Zone');
    expect(textOf(await buy('us'))).toBe('bought in us');
    expect(server.seen.at(-1)).toMatchObject({ 'mcp-param-zone': 'us' });
    expect(proxy.client.frames.filter(({ json }) => json?.error)).toEqual([]);
  },
  PATIENCE,
);
