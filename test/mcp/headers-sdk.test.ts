/** wire.md §2.10 against the official client: for the same message it writes the headers that we write, and we accept those it writes. */
import { expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import fc from 'fast-check';
import { fromPlain } from '../../src/mcp/json/values.ts';
import { readClientFrame } from '../../src/mcp/messages/client.ts';
import { checkHeaders, headersFor } from '../../src/mcp/messages/headers.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    s: { type: 'string', 'x-mcp-header': 'S' },
    n: { type: 'integer', 'x-mcp-header': 'N' },
    b: { type: 'boolean', 'x-mcp-header': 'B' },
    deep: { type: 'object', properties: { t: { type: 'string', 'x-mcp-header': 'T' } } },
    plain: { type: 'string' },
  },
};
const schemaOf = () => fromPlain(SCHEMA);

interface Sent {
  readonly headers: Headers;
  readonly body: string;
}

/** A server that knows one tool, as the client's own `fetch`. */
function answering(sent: Sent[]): typeof fetch {
  const respond = async (_: unknown, init?: RequestInit) => {
    const body = String(init?.body ?? '');
    if (init?.method !== 'POST') return new Response(null, { status: 405 });
    sent.push({ headers: new Headers(init.headers), body });
    const { id, method } = JSON.parse(body);
    const cache = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
    const result =
      method === 'tools/list'
        ? { ...cache, tools: [{ name: 'tool ä', inputSchema: SCHEMA }] }
        : method === 'server/discover'
          ? { ...cache, supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
          : { resultType: 'complete', content: [] };
    return Response.json({ jsonrpc: '2.0', id, result });
  };
  return respond as typeof fetch;
}

test('the same headers, for any arguments', async () => {
  const sent: Sent[] = [];
  const client = new Client({ name: 't', version: '1' }, { capabilities: {}, versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { fetch: answering(sent) }));
  await client.listTools();
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', ' a ', '=?base64?YQ==?=', 'a\r\nb', 'tab\tbed', null),
  );
  const args = fc.record(
    {
      s: value,
      n: fc.oneof(fc.integer(), fc.constantFrom(0, -0, 9007199254740991, null)),
      b: fc.oneof(fc.boolean(), fc.constant(null)),
      deep: fc.oneof(fc.record({ t: value }, { requiredKeys: [] }), fc.constant(null)),
      plain: fc.string(),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(args, async (given) => {
      sent.length = 0;
      await client.callTool({ name: 'tool ä', arguments: given });
      const [call] = sent.filter(({ body }) => body.includes('"tools/call"'));
      if (!call) throw new Error('no call was sent');
      const frame = readClientFrame(new TextEncoder().encode(call.body), { maxDepth: 256, maxName: 1024, anySpace: true });
      if (frame.kind !== 'request') throw new Error(`the client's call was read as ${frame.kind}`);
      const theirs = Object.fromEntries([...call.headers].filter(([name]) => name.startsWith('mcp-')));
      const ours = Object.entries(headersFor({ message: frame }, schemaOf)).map(([name, text]) => [name.toLowerCase(), text]);
      expect(Object.fromEntries(ours)).toEqual(theirs);
      const valuesOf = (name: string) => [call.headers.get(name)].filter((text) => text !== null);
      expect(checkHeaders(frame, valuesOf, schemaOf)).toBeUndefined();
    }),
    { numRuns: 150, seed: 20260728 },
  );
  await client.close();
}, 60_000);
