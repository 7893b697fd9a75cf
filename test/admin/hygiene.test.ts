/** What a client on this machine can do to the admin server on a raw connection (cli.md §3): be cut off. */
import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { TOKEN, useDesk } from './fixture.ts';

const desk = useDesk();

/** Sends bytes, never ends its side, and answers with what came until the server hung up. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(desk.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

const HOST = 'Host: 127.0.0.1\r\n';
const AUTH = `Authorization: Bearer ${TOKEN}\r\n`;
const statusOf = (text: string) => text.slice(0, 12);

describe('cli.md §3: a client', () => {
  test('that never finishes its head is cut off', async () => {
    expect(statusOf(await raw('GET /v1/status HTTP/1.1\r\nHost: 127'))).toMatch(/^(?:HTTP\/1\.1 4|$)/);
  }, 60_000);

  test('that never sends the body it announced is cut off', async () => {
    const text = await raw(`POST /v1/pause HTTP/1.1\r\n${HOST}${AUTH}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
    expect(statusOf(text)).toBe('HTTP/1.1 408');
    expect((await desk.store.control()).pauses).toEqual([]);
  }, 60_000);

  test('that sends more than it may is cut off', async () => {
    const head = `POST /v1/pause HTTP/1.1\r\n${HOST}${AUTH}Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`;
    expect(statusOf(await raw(head + 'x'.repeat(100_000)))).toBe('HTTP/1.1 413');
  }, 60_000);

  test.each([
    ['no host', 'GET /v1/status HTTP/1.0\r\n'],
    ['two hosts', `GET /v1/status HTTP/1.1\r\n${HOST}Host: evil.example\r\nConnection: close\r\n`],
    ['two hosts, the good one last', `GET /v1/status HTTP/1.1\r\nHost: evil.example\r\n${HOST}Connection: close\r\n`],
    ['another authority in its target', `GET http://evil.example/v1/status HTTP/1.1\r\n${HOST}Connection: close\r\n`],
    ['a target of two slashes', `GET //evil.example/v1/status HTTP/1.1\r\n${HOST}Connection: close\r\n`],
  ])(
    'with %s is refused',
    async (_, head) => {
      expect(statusOf(await raw(`${head}${AUTH}\r\n`))).toMatch(/^(?:HTTP\/1\.1 4\d\d|$)/);
    },
    60_000,
  );

  test('with a huge head is refused', async () => {
    const text = await raw(`GET /v1/status HTTP/1.1\r\n${HOST}${AUTH}X-Filler: ${'x'.repeat(100_000)}\r\nConnection: close\r\n\r\n`);
    expect(statusOf(text)).toMatch(/^(?:HTTP\/1\.1 4\d\d|$)/);
  }, 60_000);
});
