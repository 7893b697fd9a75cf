/** wire.md §2.13, §4, §5: large messages, slow readers, and many requests at once. */
import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readLines } from '../../harness/lines.ts';
import type { Message } from '../../harness/message.ts';
import { ALLOW_ALL, setUpProxy, startProxy } from '../../harness/proxy.ts';
import { answerJson } from '../../harness/upstream.ts';
import { until } from '../../harness/wait.ts';
import { event, openEvents, result, startScripted } from '../../http/scripted.ts';

const PATIENCE = 60_000;
const MIB = 1 << 20;

for (const how of ['a JSON body', 'a stream'] as const)
  test(
    `9 MiB in ${how}, pretty-printed, arrive as one line`,
    async () => {
      const text = 'x'.repeat(9 * MIB);
      await using upstream = await startScripted(({ id, method }, _, response) => {
        if (method !== 'tools/call') return 'default';
        const pretty = JSON.stringify(result(id, { content: [{ type: 'text', text }] }), undefined, 2);
        if (how === 'a JSON body') answerJson(response, pretty.replaceAll('\n', '\r\n'));
        else openEvents(response).end(`data: ${pretty.replaceAll('\n', '\ndata: ')}\n\n`);
      });
      await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', upstream.url] });
      await proxy.client.initialize();
      const answer = await proxy.client.request('tools/call', { name: 'huge', arguments: {} }, PATIENCE);
      expect(answer.error).toBeUndefined();
      expect(answer.result.content[0].text.length).toBe(text.length);
      expect((await proxy.client.request('ping')).result).toEqual({});
    },
    PATIENCE,
  );

for (const how of ['a JSON body', 'a stream'] as const)
  test(
    `over --max-message in ${how}: an error, and the session lives on`,
    async () => {
      await using upstream = await startScripted(({ id, method }, _, response) => {
        if (method !== 'tools/call') return 'default';
        const answer = result(id, { content: [{ type: 'text', text: 'x'.repeat(2 * MIB) }] });
        if (how === 'a JSON body') answerJson(response, answer);
        else openEvents(response).end(event(answer));
      });
      await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', upstream.url, '--max-message', '1MiB'] });
      await proxy.client.initialize();
      expect((await proxy.client.request('tools/call', { name: 'huge', arguments: {} })).error?.message).toContain('--max-message');
      expect((await proxy.client.request('ping')).result).toEqual({});
    },
    PATIENCE,
  );

test(
  '200 requests at once: each gets its own answer, and none waits for a slow one',
  async () => {
    const held: (() => void)[] = [];
    await using upstream = await startScripted(({ id, method, params }, _, response) => {
      if (method !== 'tools/call') return 'default';
      const answer = () => answerJson(response, result(id, { n: params.arguments.n }));
      if (params.arguments.n % 2 === 0) held.push(answer);
      else answer();
    });
    await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', upstream.url] });
    await proxy.client.initialize();
    const calls = Array.from({ length: 200 }, (_, n) => proxy.client.request('tools/call', { name: 'echo', arguments: { n } }, PATIENCE));
    await Promise.all(calls.filter((_, n) => n % 2 === 1));
    await until('the slow ones to be there', () => (held.length === 100 ? true : undefined));
    for (const answer of held.reverse()) answer();
    expect((await Promise.all(calls)).map(({ result: got }) => got.n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
  },
  PATIENCE,
);

test(
  'a reader that stops: the server is not read either, and nothing is lost',
  async () => {
    const COUNT = 2_000;
    const filler = 'x'.repeat(32 * 1024);
    let written = 0;
    await using upstream = await startScripted(undefined, { offersStream: true });
    const setup = await setUpProxy({ policy: ALLOW_ALL, flags: ['--upstream', upstream.url, '--log-level', 'error'] });
    const [file = '', ...args] = setup.command;
    const child = spawn(file, args, { env: { ...process.env, ...setup.env }, stdio: ['pipe', 'pipe', 'inherit'] });
    const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'slow', version: '1' } };
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: hello })}\n`);
    child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    const stream = await until('the GET stream', () => upstream.streams[0]);
    const writing = (async () => {
      for (; written < COUNT; written++) {
        const more = event({ jsonrpc: '2.0', method: 'notifications/message', params: { n: written, filler } });
        if (!stream.write(more)) await new Promise((resolve) => stream.once('drain', resolve));
      }
    })();
    // Nobody reads: what was taken in stops growing, long before all of it is there.
    let before = -1;
    await until(
      'the server to be held',
      async () => {
        const still = written > 0 && written === before;
        before = written;
        await new Promise((resolve) => setTimeout(resolve, 500));
        return still || undefined;
      },
      PATIENCE,
    );
    expect(written).toBeLessThan(COUNT);
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(300 * 1024);
    const numbers: number[] = [];
    const lines = readLines((line) => {
      const message = JSON.parse(line) as Message;
      if (message.method) numbers.push(message.params.n);
    });
    child.stdout.on('data', lines.push);
    await writing;
    await until('all of them', () => (numbers.length === COUNT ? true : undefined), PATIENCE);
    expect(numbers).toEqual(Array.from({ length: COUNT }, (_, n) => n));
    child.stdin.end();
    await new Promise((resolve) => child.on('close', resolve));
    await setup.remove();
  },
  PATIENCE,
);

const ODD =
  '"big":12345678901234567890123,"f":1.10,"e":1E+2,"k\\u0065y":"\\u00e9\\/\\ud83d\\ude00 ü","__proto__":{"x":null},"_meta":{"z":1,"a":2},"":[]';

test(
  'wire.md §1: what passes is what was sent, byte for byte, both ways, in bodies and in streams',
  async () => {
    const got: string[] = [];
    const given: string[] = [];
    await using upstream = await startScripted(({ id, method }, { body }, response) => {
      if (method !== 'tools/call') return 'default';
      const text = `{ "result" : {${ODD},"content":[ ]} ,"unknown":1, "jsonrpc":"2.0","id":${JSON.stringify(id)}}`;
      got.push(body);
      given.push(text);
      if (id === 'body') answerJson(response, text);
      else openEvents(response).end(`event: message\r\nid: 1\r\ndata:${text}\r\n\r\n`);
    });
    await using proxy = await startProxy({ policy: ALLOW_ALL, flags: ['--upstream', upstream.url] });
    await proxy.client.initialize();
    for (const id of ['body', 'stream']) {
      const line = `{"params" : {"arguments":{${ODD}}, "name":"t"},"x":[],"method":"tools/call" ,"id":"${id}","jsonrpc":"2.0"}`;
      proxy.client.sendLine(line);
      const answer = await proxy.client.next(({ json }) => json?.id === id);
      expect([got.at(-1), answer.text]).toEqual([line, given.at(-1) as string]);
    }
  },
  PATIENCE,
);
