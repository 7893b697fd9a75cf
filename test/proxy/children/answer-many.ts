/** Answers 64 requests of a megabyte each in one session, and prints how many bytes stay in memory: run with --expose-gc. */
import { readClientFrame } from '../../../src/mcp/messages/client.ts';
import { createInflight } from '../../../src/proxy/requests/inflight.ts';

const LIMITS = { maxDepth: 256, maxName: 1024, anySpace: true };
const collect = () => (globalThis as { gc?: () => void }).gc?.();
const inflight = createInflight({ budget: { taken: 0 }, mayReplace: true, resumable: true });
collect();
const before = process.memoryUsage().heapUsed;
for (let n = 10; n < 74; n++) {
  const id = `0f9a51c2-1111-4222-8333-0000000000${n}`;
  const params = { cursor: 'a cursor that is cut from its frame', text: 'x'.repeat(1 << 20) };
  const frame = readClientFrame(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params })), LIMITS);
  if (frame.kind !== 'request') throw new Error(frame.kind);
  const span = frame.params.members.get('cursor');
  const cursor = span && frame.text.slice(span.start + 1, span.end - 1);
  const purpose = { kind: 'tools/list', cursor } as const;
  inflight.add({ id: frame.id, sentAs: frame.id, method: frame.method, modern: false, to: undefined, purpose, since: 0 });
  if (n % 2 === 0) inflight.cancel(frame.id.key);
  else inflight.take(frame.id.key);
}
collect();
console.log(
  process.memoryUsage().heapUsed - before,
  [...Array(64).keys()].filter((n) => inflight.has(`s:0f9a51c2-1111-4222-8333-0000000000${n + 10}`)).length,
);
