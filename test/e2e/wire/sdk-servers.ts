/** Servers of two generations of the official SDK that write down what they execute: `safe`, and `danger`, which no policy allows. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type NodeIncomingMessageLike, toNodeHandler } from '@modelcontextprotocol/node';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';

export interface Execution {
  readonly tool: string;
  readonly amount: unknown;
  /** The number of a harmless call that the test itself made; undefined else. */
  readonly fence?: unknown;
}

export interface LoggingServer extends AsyncDisposable {
  readonly url: string;
  readonly executed: Execution[];
}

const SCHEMA = { type: 'object', properties: { amount: { type: 'number' } } } as const;
const DONE = { content: [{ type: 'text' as const, text: 'done' }] };

function execution(tool: string, { amount, fence }: Readonly<Record<string, unknown>> = {}): Execution {
  return { tool, amount, ...(fence !== undefined && { fence }) };
}

/** The SDK's first generation, with sessions. */
export function startFirst(): Promise<LoggingServer> {
  return start((executed) => {
    const sessions = new Map<string, StreamableHTTPServerTransport>();
    return async (request, response) => {
      const known = sessions.get(String(request.headers['mcp-session-id']));
      if (known) return known.handleRequest(request, response);
      const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void sessions.set(id, transport),
      });
      await openFirst(executed).connect(transport as Parameters<Server['connect']>[0]);
      return transport.handleRequest(request, response);
    };
  });
}

function openFirst(executed: Execution[]): Server {
  const server = new Server({ name: 'first', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: ['safe', 'danger'].map((name) => ({ name, inputSchema: SCHEMA as { type: 'object' } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    executed.push(execution(params.name, params.arguments));
    return DONE;
  });
  return server;
}

/** Its second generation, which serves both eras without sessions. */
export function startSecond(): Promise<LoggingServer> {
  return start((executed) => {
    const handle = toNodeHandler(
      createMcpHandler(() => {
        const server = new McpServer({ name: 'second', version: '1.0.0' });
        for (const tool of ['safe', 'danger'])
          server.registerTool(tool, { inputSchema: fromJsonSchema(SCHEMA) }, async (args) => {
            executed.push(execution(tool, args as Readonly<Record<string, unknown>>));
            return DONE;
          });
        return server;
      }),
    );
    return (request, response) => handle(request as NodeIncomingMessageLike, response);
  });
}

type Answering = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>;

async function start(open: (executed: Execution[]) => Answering): Promise<LoggingServer> {
  const executed: Execution[] = [];
  const answer = open(executed);
  const listener: RequestListener = (request, response) => void answer(request, response).catch(() => response.destroy());
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    executed,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
