/** The fastest MCP server that answers a tool call with a fixed result: what is measured behind it is the way there. */
import { openStdio } from '../src/process/stdio.ts';
import { createLines } from './lines.ts';

const INITIALIZED = '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"bench-echo","version":"1.0.0"}}';
const SCHEMA =
  '{"type":"object","properties":{"charge":{"type":"string"},"amount":{"type":"integer"},"currency":{"type":"string"},"reason":{"type":"string"}},"required":["amount"]}';
const TOOLS = `{"tools":[{"name":"create_refund","description":"refunds a charge","inputSchema":${SCHEMA}}]}`;
const CALLED = '{"content":[{"type":"text","text":"refund re_1Nispe2eZvKYlo2Cd31jOCgZ created"}]}';

const results = new Map([
  ['initialize', INITIALIZED],
  ['tools/list', TOOLS],
  ['tools/call', CALLED],
  ['ping', '{}'],
]);

const agent = openStdio();
const decoder = new TextDecoder();
const lines = createLines();

agent.onChunk((chunk) => {
  let answers = '';
  for (const line of lines(chunk)) answers += answer(decoder.decode(line));
  if (answers && !agent.write(answers)) agent.pause();
});
agent.onDrain(() => agent.resume());
agent.onEnd(async () => {
  await agent.flush(1_000);
  process.exit(0);
});
process.on('SIGTERM', () => process.exit(0));

function answer(line: string): string {
  const { id, method } = JSON.parse(line) as { id?: number | string; method: string };
  if (id === undefined) return '';
  const result = results.get(method);
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${result ? `"result":${result}` : '"error":{"code":-32601,"message":"no such method"}'}}\n`;
}
