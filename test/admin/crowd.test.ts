/** Programs on this machine that only stand in the way of the approver (cli.md §3, I11): they do not. */
import { describe, expect, test } from 'bun:test';
import { connect, type Socket } from 'node:net';
import { until } from '../harness/wait.ts';
import { TOKEN, useDesk } from './fixture.ts';

const desk = useDesk();
const SECRET = 'correct horse';

/** Connections that send these bytes, and then nothing. Closed ones are counted. */
class Crowd implements AsyncDisposable {
  closed = 0;
  readonly #sockets: Socket[] = [];

  /** Opens so many more; resolves once each is connected. */
  async add(number: number, bytes = ''): Promise<void> {
    await Promise.all(
      Array.from({ length: number }, () => {
        const socket = connect(desk.port, '127.0.0.1');
        this.#sockets.push(socket);
        socket.resume();
        socket.on('error', () => undefined);
        socket.on('close', () => this.closed++);
        return new Promise<void>((resolve) => {
          socket.once('connect', () => (bytes === '' ? resolve() : socket.write(bytes, () => resolve())));
          socket.once('close', () => resolve());
        });
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
  }
}

const approve = async (id: string) =>
  desk.ask(`/v1/approvals/${id}/approve`, { method: 'POST', body: {}, headers: { 'x-intercept-approver': SECRET } });
const BODY_TO_COME =
  'POST /approvals/page/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{';

describe('connections that ask nothing', () => {
  for (const [name, bytes] of [
    ['never begin', ''],
    ['never finish a head', 'GET /v1/status HTTP/1.1\r\nHost: 127'],
    ['never send the body', BODY_TO_COME],
  ] as const)
    test(`that ${name} keep nobody out`, async () => {
      const id = await desk.hold();
      await using crowd = new Crowd();
      await crowd.add(140, bytes);
      expect((await desk.ask('/v1/status')).status).toBe(200);
      await crowd.add(600, bytes);
      expect((await approve(id)).status).toBe(200);
      // There are 512 at most, however many come.
      await until('the oldest have gone', () => (crowd.closed >= 740 - 512 ? true : undefined));
    }, 60_000);

  test('give way to new ones once they have had a second', async () => {
    await using crowd = new Crowd();
    await crowd.add(140);
    await desk.ask('/v1/status');
    expect(crowd.closed).toBe(0);
    desk.elapsed += 1_001;
    await crowd.add(20);
    await until('as many of the oldest have gone', () => (crowd.closed >= 20 ? true : undefined));
  }, 60_000);

  test('an event stream and its reader keep their place', async () => {
    const abort = new AbortController();
    const stream = await fetch(`${desk.origin}/v1/events`, { headers: { authorization: `Bearer ${TOKEN}` }, signal: abort.signal });
    const reader = stream.body?.getReader();
    await reader?.read();
    await using crowd = new Crowd();
    desk.elapsed += 1_001;
    await crowd.add(600);
    await until('some have gone', () => (crowd.closed > 0 ? true : undefined));
    await desk.hold('after the crowd');
    let text = '';
    while (!text.includes('approval.requested')) {
      const { value, done } = (await reader?.read()) ?? { done: true };
      if (done) throw new Error('the stream ended');
      text += new TextDecoder().decode(value);
    }
    abort.abort();
  }, 60_000);
});

describe('who guesses', () => {
  /** Twelve that guess on and on until the work is done; what they were answered. */
  const whileGuessing = async (guess: () => Promise<number>, work: () => Promise<void>) => {
    let over = false;
    const statuses = new Set<number>();
    const guessers = Array.from({ length: 12 }, async () => {
      while (!over) statuses.add(await guess());
    });
    await until('the first guess', () => (statuses.size > 0 ? true : undefined));
    await work();
    over = true;
    await Promise.all(guessers);
    return [...statuses];
  };

  test('without the token stands in nobody’s way', async () => {
    await desk.protect(SECRET);
    const guess = async () =>
      (await desk.ask('/approvals/page/session', { method: 'POST', token: null, body: { secret: 'guess' } })).status;
    const statuses = await whileGuessing(guess, async () => {
      for (let n = 0; n < 10; n++) expect((await approve(await desk.hold(`${n}`))).status).toBe(200);
    });
    expect(statuses).toEqual([401]);
  }, 60_000);

  test('with the token waits for its own refusal, and the approver does not', async () => {
    await desk.protect(SECRET);
    const id = await desk.hold();
    const guess = async () => {
      const headers = { 'x-intercept-approver': 'guess' };
      return (await desk.ask(`/v1/approvals/${id}/approve`, { method: 'POST', body: {}, headers })).status;
    };
    const statuses = await whileGuessing(guess, async () => {
      for (let n = 0; n < 10; n++) expect((await approve(await desk.hold(`${n}`))).status).toBe(200);
    });
    expect(statuses).toEqual([403]);
  }, 60_000);
});
