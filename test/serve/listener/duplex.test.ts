/** wire.md §1, I9: a POST to a session of the listener's own gets its one answer, whatever else happens meanwhile. */
import { expect, test } from 'bun:test';
import type { Pause } from '../../../src/core/store.ts';
import type { Reply } from '../../../src/http/reply.ts';
import { readClientFrame } from '../../../src/mcp/messages/client.ts';
import { createAgents } from '../../../src/serve/listener/agents.ts';
import { look, serveDuplexPost, take } from '../../../src/serve/listener/duplex.ts';
import { openDuplexSession } from '../../../src/serve/listener/duplex-session.ts';
import { lines, openRig } from '../../proxy/fixture.ts';
import { textOf } from '../../proxy/posts.ts';

const LIMITS = { maxDepth: 256, maxName: 1024, anySpace: true };

/** A session before a server that answers each request at once, and what its POSTs were answered. */
async function open(readPause: () => undefined | Promise<Pause | undefined>) {
  const { ports, served } = await openRig();
  const agents = createAgents({
    ports: { ...ports, pauses: { current: readPause, known: () => undefined } },
    ...{ served, name: undefined, passed: false, inUse: () => true },
  });
  const sent: string[] = [];
  const duplex = await openDuplexSession(agents.of([]), {
    rawHeaders: [],
    modern: false,
    oneStream: false,
    joinBatches: false,
    maxWaiting: 1 << 20,
    take,
    onEnd: () => {},
    openBackend: async (session) => ({
      send(frames) {
        for (const frame of frames) sent.push(textOf(frame.bytes));
        const answers = frames.flatMap(({ id, message }) => {
          const method = message && 'method' in message ? message.method : '';
          if (!id || method === 'never') return [];
          const answer = method === 'refused' ? '"error":{"code":-32600,"message":"theirs"}' : '"result":{}';
          return [`{"jsonrpc":"2.0","id":${id.text},${answer}}`];
        });
        session().fromServer(lines(answers));
      },
      waiting: 0,
      sweep() {},
      ended: new Promise(() => {}),
      stop: async () => {},
    }),
  });
  const post = async (message: object) => {
    const bytes = Buffer.from(JSON.stringify(message));
    const answers: unknown[] = [];
    const reply: Reply = {
      countIn() {},
      started: false,
      over: false,
      // As the real one: what was answered is answered.
      send: (status, _, body) => void (answers.length > 0 || answers.push([status, body && JSON.parse(textOf(body))])),
      refuse: (status) => void answers.push([status]),
      stream: () => ({ write: (event) => answers.push(textOf(event)) > 0, drained: async () => {}, waiting: 0, end() {}, abort() {} }),
      onGone() {},
      onOver() {},
    };
    const request = { method: 'POST', path: '/mcp', query: new URLSearchParams(), reply, body: () => Promise.reject(new Error('read')) };
    const rawHeaders = ['accept', 'application/json, text/event-stream'];
    const frame = readClientFrame(bytes, LIMITS);
    await serveDuplexPost({ request: { ...request, rawHeaders }, agent: duplex.agent, bytes, frame }, duplex, false);
    return answers;
  };
  return { duplex, post, sent };
}

test('I9: a request that waits for its turn to be judged is not over when its POST is looked after', async () => {
  const reading = Promise.withResolvers<undefined>();
  const { duplex, post, sent } = await open(() => reading.promise);
  const answered = post({ jsonrpc: '2.0', id: 1, method: 'ping' });
  // As the sweep does once a second, and as every other POST does at its end.
  for (const waiting of duplex.posts.values()) look(waiting);
  await Promise.resolve();
  expect(sent).toEqual([]);
  reading.resolve(undefined);
  expect(await answered).toEqual([[200, { jsonrpc: '2.0', id: 1, result: {} }]]);
});

test('I9: nor when another POST of its session ends meanwhile', async () => {
  const reading = Promise.withResolvers<undefined>();
  let isSlow = false;
  const { post } = await open(() => (isSlow ? reading.promise : undefined));
  const first = post({ jsonrpc: '2.0', id: 1, method: 'ping' });
  isSlow = true;
  const second = post({ jsonrpc: '2.0', id: 2, method: 'ping' });
  expect(await first).toEqual([[200, { jsonrpc: '2.0', id: 1, result: {} }]]);
  reading.resolve(undefined);
  expect(await second).toEqual([[200, { jsonrpc: '2.0', id: 2, result: {} }]]);
});

test('the status of an error goes by who says it: what the server answers is an answer, whatever it looks like', async () => {
  const { post } = await open(() => undefined);
  void post({ jsonrpc: '2.0', id: 1, method: 'never' });
  // Its id is taken, so that its answer is written anew, and is then a text as the proxy's own are.
  const theirs = await post({ jsonrpc: '2.0', id: 1, method: 'refused' });
  expect(theirs).toEqual([[200, { jsonrpc: '2.0', id: 1, error: { code: -32600, message: 'theirs' } }]]);
  const ours = await post({ jsonrpc: '2.0', id: 2, method: 'ping', result: {} });
  expect(ours).toMatchObject([[400, { error: { code: -32600 } }]]);
});
