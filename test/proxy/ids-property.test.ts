/** wire.md §2.7, I9: whatever exchanges use whatever ids, each gets its own answers, once, under its own ids. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Exchange } from '../../src/proxy/exchange.ts';
import type { Message } from './fixture.ts';
import { openPosts, textOf } from './posts.ts';

/** How an id may be written, and as what it comes back. */
const idText = fc.constantFrom('1', '2', '"1"', '"a"', '"\\u0061"', '-0', '0', '9007199254740993', '"é"');
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('post' as const),
      id: idText,
      modern: fc.boolean(),
      token: fc.constantFrom(undefined, 1, 'a'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('answer' as const), which: fc.nat(40), relayed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('progress' as const), which: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), id: idText }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), which: fc.nat(40) }) },
);

interface Asked {
  readonly nonce: number;
  readonly idText: string;
  readonly exchange: Exchange;
  readonly token: unknown;
}

const META = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';

test('any interleaving of exchanges with equal ids and tokens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, resumable) => {
      const posts = await openPosts({ resumable }, { policy: 'version: "1"\ntools: {t: {rules: [{rate_limit: 1000/hour}]}}\n' });
      const asked: Asked[] = [];
      const relayed: string[] = [];
      const answered = new Set<number>();
      /** What the server got and may answer: by its nonce, as the server knows it. */
      const atServer = () =>
        posts.sent.flatMap(({ bytes, kind, id }) =>
          kind === 'request' && id ? [{ id, message: JSON.parse(textOf(bytes)) as Message }] : [],
        );
      for (const one of steps) {
        const [requests, server] = [asked, atServer()];
        if (one.kind === 'post') {
          const meta = `"_meta":{${one.modern ? META : '"m":1'}${one.token === undefined ? '' : `,"progressToken":${JSON.stringify(one.token)}`}}`;
          const nonce = asked.length;
          const exchange: Exchange = { id: `e${nonce}` };
          asked.push({ nonce, idText: one.id, exchange, token: one.token });
          await posts.post(
            `{"jsonrpc":"2.0","id":${one.id},"method":"tools/call","params":{"name":"t","arguments":{"nonce":${nonce}},${meta}}}`,
            exchange,
          );
        } else if (one.kind === 'cancel') {
          await posts.post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${one.id}}}`);
        } else if (one.kind === 'leave' && requests.length > 0) {
          posts.session.left((requests[one.which % requests.length] as Asked).exchange);
        } else if (one.kind === 'fail' && server.length > 0) {
          await posts.session.upstreamFailed([(server[one.which % server.length] as (typeof server)[number]).id], {
            outcome: 'kept',
            why: 'gone',
          });
        } else if (one.kind === 'progress' && server.length > 0) {
          const { message } = server[one.which % server.length] as (typeof server)[number];
          const { progressToken } = message.params._meta;
          if (progressToken !== undefined)
            await posts.say({
              jsonrpc: '2.0',
              method: 'notifications/progress',
              params: { progressToken, progress: message.params.arguments.nonce },
            });
        } else if (one.kind === 'answer' && server.length > 0) {
          const { id, message } = server[one.which % server.length] as (typeof server)[number];
          // Only where streams are resumed does a server send an answer again.
          if (answered.has(message.params.arguments.nonce) && !resumable) continue;
          answered.add(message.params.arguments.nonce);
          const text = `{"jsonrpc":"2.0","id":${id.text},"result":{"content":[],"nonce":${message.params.arguments.nonce}}}`;
          if (!one.relayed) await posts.say(text);
          else
            for (const frame of await posts.session.relay({ kind: 'line', bytes: new TextEncoder().encode(text) }))
              relayed.push(textOf(frame));
        }
      }
      await posts.session.end('over');

      // No two requests reached the server under ids that it could take for one another.
      const keys = atServer().map(({ id }) => id.key);
      if (resumable) expect(new Set(keys).size).toBe(keys.length);
      for (const { exchange, idText: own, nonce, token } of asked) {
        const frames = posts.textsOn(exchange);
        const answers = frames.filter((text) => !text.includes('"method"'));
        // What is answered in place is not answered on the exchange as well.
        expect(answers.length).toBeLessThanOrEqual(1);
        for (const text of answers) {
          expect(text).toContain(`"id":${own}`);
          if (text.includes('"nonce"')) expect(JSON.parse(text).result.nonce).toBe(nonce);
        }
        for (const text of frames.filter((frame) => frame.includes('"method"'))) {
          // Progress of a request that has its token to itself; of one that ended, under a token used again, it cannot be told.
          expect(JSON.parse(text).params.progressToken).toBe(token as never);
        }
      }
      for (const text of relayed) {
        const { id, result } = JSON.parse(text);
        expect(`"id":${(asked[result.nonce] as Asked).idText},`).toBe(text.slice(text.indexOf('"id"'), text.indexOf('"result"')));
        expect(id).toBeDefined();
      }
      // Settled at most once each, and every call that went out exactly once.
      const settled = posts.rig.outcomes().map(({ call }) => call);
      expect(new Set(settled).size).toBe(settled.length);
      expect(settled.length).toBe(atServer().length);
    }),
    { numRuns: 150, seed: 20260728 },
  );
}, 60_000);
