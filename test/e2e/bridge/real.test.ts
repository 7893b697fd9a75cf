/** wire.md §1: real clients on stdio, through the bridge, to real servers over HTTP: the same as without it. */
import { describe, expect, test } from 'bun:test';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ALLOW_ALL, setUpProxy } from '../../harness/proxy.ts';
import { startDualEra, startEverything } from './servers.ts';

const PATIENCE = 60_000;

/** How a client starts the bridge to `url`. */
async function bridgeTo(url: string, policy = ALLOW_ALL) {
  const setup = await setUpProxy({ policy, flags: ['--upstream', url, '--log-level', 'error'] });
  const [command = '', ...args] = setup.command;
  const env = Object.fromEntries(Object.entries({ ...process.env, ...setup.env }).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  return { command, args, env, remove: setup.remove };
}

describe.each(['streamableHttp', 'sse'] as const)('SDK v1, %s', (mode) => {
  test(
    'lists, calls, progress, resources, prompts, and the same as direct',
    async () => {
      await using server = await startEverything(mode);
      const { remove, ...bridge } = await bridgeTo(server.url);
      const through = new Client({ name: 'test', version: '1' });
      const direct = new Client({ name: 'test', version: '1' });
      await through.connect(new StdioClientTransport(bridge));
      await direct.connect(
        mode === 'sse' ? new SSEClientTransport(new URL(server.url)) : new StreamableHTTPClientTransport(new URL(server.url)),
      );
      expect(await through.listTools()).toEqual(await direct.listTools());
      expect(await through.listPrompts()).toEqual(await direct.listPrompts());
      expect(through.getServerVersion()).toEqual(direct.getServerVersion());
      const call = { name: 'echo', arguments: { message: 'ü😀' } };
      expect(await through.callTool(call)).toEqual(await direct.callTool(call));
      const steps: number[] = [];
      const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } };
      await through.callTool(long, undefined, { onprogress: ({ progress }) => void steps.push(progress) });
      // A progress that comes in one read with the answer is lost on the way through this client itself.
      expect(steps.slice(0, 3)).toEqual([1, 2, 3]);
      await direct.close();
      await through.close();
      await remove();
    },
    PATIENCE,
  );

  test(
    'requests of the server reach the client, and their answers the server',
    async () => {
      await using server = await startEverything(mode);
      const { remove, ...bridge } = await bridgeTo(server.url);
      const client = new Client({ name: 'test', version: '1' }, { capabilities: { sampling: {}, elicitation: {} } });
      const { CreateMessageRequestSchema } = await import('@modelcontextprotocol/sdk/types.js');
      client.setRequestHandler(CreateMessageRequestSchema, async () => ({
        role: 'assistant',
        model: 'none',
        content: { type: 'text', text: 'sampled' },
      }));
      await client.connect(new StdioClientTransport(bridge));
      const { tools } = await client.listTools();
      const sampling = tools.find(({ name }) => name.includes('sampling'));
      const result = await client.callTool({ name: sampling?.name ?? '', arguments: { prompt: 'hello', maxTokens: 10 } });
      expect(JSON.stringify(result.content)).toContain('sampled');
      await client.close();
      await remove();
    },
    PATIENCE,
  );
});

describe.each(['legacy', 'modern', 'auto'] as const)('SDK v2, %s', (era) => {
  const options = { versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : era } } as ConstructorParameters<
    typeof ClientV2
  >[1];

  test(
    'lists, calls, progress, and the same as direct',
    async () => {
      await using server = await startDualEra();
      const { remove, ...bridge } = await bridgeTo(server.url);
      const through = new ClientV2({ name: 'test', version: '1' }, options);
      const direct = new ClientV2({ name: 'test', version: '1' }, options);
      await through.connect(new StdioV2(bridge));
      await direct.connect(new HttpV2(new URL(server.url)));
      expect(through.getNegotiatedProtocolVersion()).toBe(direct.getNegotiatedProtocolVersion());
      expect(await through.listTools()).toEqual(await direct.listTools());
      const call = { name: 'test_simple_text', arguments: {} };
      expect(await through.callTool(call)).toEqual(await direct.callTool(call));
      const steps: number[] = [];
      await through.callTool(
        { name: 'test_tool_with_progress', arguments: {} },
        { onprogress: ({ progress }) => void steps.push(progress) },
      );
      expect(steps.slice(0, 2)).toEqual([0, 50]);
      await direct.close();
      await through.close();
      await remove();
    },
    PATIENCE,
  );

  if (era === 'legacy')
    test(
      'a stream that the server closes goes on where it was',
      async () => {
        await using server = await startDualEra();
        const { remove, ...bridge } = await bridgeTo(server.url);
        const client = new ClientV2({ name: 'test', version: '1' }, options);
        await client.connect(new StdioV2(bridge));
        const result = await client.callTool({ name: 'test_reconnection', arguments: {} });
        expect(JSON.stringify(result)).toContain('Reconnection test completed');
        await client.close();
        await remove();
      },
      PATIENCE,
    );
});
