/** One connection and the pool of them: what is used again, what never is, and what becomes of a request when something breaks. */
import { describe, expect, test } from 'bun:test';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpClient, openHttpClient } from '../../src/http/client.ts';
import { until } from '../harness/wait.ts';
import { faultOf, post, textOf } from './exchange.ts';
import { counted, type RawRequest, type RawServer, startRaw } from './raw-server.ts';

const PATIENCE = 60_000;

async function withServer(
  script: (socket: Socket, request: RawRequest) => void,
  use: (client: HttpClient, server: RawServer) => Promise<void>,
) {
  await using server = await startRaw(script);
  const client = openHttpClient(new URL(server.url), {});
  try {
    await use(client, server);
  } finally {
    client.close();
  }
}

async function ask(client: HttpClient): Promise<string> {
  return textOf((await post(client)).body);
}

describe('connections that are used again', () => {
  test(
    '2,000 requests, one after the other, take one connection',
    async () => {
      await withServer(
        (socket, { body }) => void socket.write(counted(body)),
        async (client, server) => {
          for (let i = 0; i < 2_000; i++) expect(await textOf((await post(client, { body: `${i}` })).body)).toBe(`${i}`);
          expect([server.connections(), server.requests.length]).toEqual([1, 2_000]);
        },
      );
    },
    PATIENCE,
  );

  test(
    'as many at once as there are requests; afterwards they serve those to come',
    async () => {
      const waiting: (() => void)[] = [];
      await withServer(
        (socket, { body }) => void waiting.push(() => socket.write(counted(body))),
        async (client, server) => {
          const answers = Array.from({ length: 20 }, (_, i) => post(client, { body: `${i}` }).then(({ body }) => textOf(body)));
          await until('all to arrive', () => waiting.length === 20 || undefined);
          for (const answer of waiting.splice(0).reverse()) answer();
          expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
          const again = Array.from({ length: 20 }, () => ask(client));
          await until('all to arrive again', () => waiting.length === 20 || undefined);
          for (const answer of waiting) answer();
          await Promise.all(again);
          expect(server.connections()).toBe(20);
        },
      );
    },
    PATIENCE,
  );

  test.each([
    ['bodies without a length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['what has no body', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['what was announced', `HTTP/1.1 100 Continue\r\n\r\n${counted('ok')}`],
  ])('also after %s', async (_, answer) => {
    await withServer(
      (socket) => void socket.write(answer),
      async (client, server) => {
        const first = await ask(client);
        expect(await ask(client)).toBe(first);
        expect(server.connections()).toBe(1);
      },
    );
  });

  test.each([
    ['Connection: close', counted('ok', 'Connection: close\r\n')],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a time-out of a second', counted('ok', 'Keep-Alive: timeout=1\r\n')],
    ['a body of 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok'],
    ['a body of 304 that does not come', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ])('not after %s', async (_, answer) => {
    await withServer(
      (socket) => void socket.write(answer),
      async (client, server) => {
        await ask(client);
        await ask(client);
        await until('both to be closed', () => server.open() === 0 || undefined);
        expect(server.connections()).toBe(2);
      },
    );
  });

  test('not after the server closed it', async () => {
    await withServer(
      (socket) => void socket.end(counted('ok')),
      async (client, server) => {
        expect(await ask(client)).toBe('ok');
        await until('the client to close it, too', () => server.open() === 0 || undefined);
        expect(await ask(client)).toBe('ok');
        expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1]);
      },
    );
  });

  test('not after the server closed it, though that was not seen yet: a request on it would have an end that nobody knows', async () => {
    const sockets: Socket[] = [];
    await withServer(
      (socket) => {
        sockets.push(socket);
        socket.write(counted('ok'));
      },
      async (client, server) => {
        expect(await ask(client)).toBe('ok');
        // Only what rested is looked at again.
        await sleep(200);
        // The end is with the system, and this program has not turned to it since.
        const second = await new Promise<string>((resolve, reject) => sockets[0]?.end(() => ask(client).then(resolve, reject)));
        expect(second).toBe('ok');
        expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1]);
      },
    );
  });

  test('for as long as the server says, less a second', async () => {
    await withServer(
      (socket) => void socket.write(counted('ok', 'Keep-Alive: timeout=2\r\n')),
      async (client, server) => {
        await ask(client);
        await ask(client);
        expect([server.connections(), server.open()]).toEqual([1, 1]);
        await until('the idle connection to be dropped', () => server.open() === 0 || undefined);
      },
    );
  }, 20_000);

  test(
    '256 of them, however many there were',
    async () => {
      const waiting: (() => void)[] = [];
      await withServer(
        (socket) => void waiting.push(() => socket.write(counted('ok'))),
        async (client, server) => {
          const answers = Array.from({ length: 300 }, () => ask(client));
          await until('all to arrive', () => waiting.length === 300 || undefined);
          for (const answer of waiting) answer();
          await Promise.all(answers);
          await until('the others to be closed', () => server.open() === 256 || undefined);
        },
      );
    },
    PATIENCE,
  );

  test('close() drops what is idle, and what is in use when its answer is whole', async () => {
    const finish: (() => void)[] = [];
    await withServer(
      (socket) => void finish.push(() => socket.write(counted('ok'))),
      async (client, server) => {
        const [idle, inUse] = [ask(client), ask(client)];
        await until('both requests', () => server.requests.length === 2 || undefined);
        finish[0]?.();
        await Promise.race([idle, inUse]);
        client.close();
        await until('the idle one to be closed', () => server.open() === 1 || undefined);
        finish[1]?.();
        expect(await Promise.all([idle, inUse])).toEqual(['ok', 'ok']);
        await until('the other to be closed', () => server.open() === 0 || undefined);
      },
    );
  });
});

describe('SECURITY: what comes unasked is no answer', () => {
  test('a second answer behind the first ends the connection', async () => {
    await withServer(
      (socket, { connection }) => void socket.write(connection === 0 ? counted('ok') + counted('smuggled') : counted('fresh')),
      async (client, server) => {
        expect(await ask(client)).toBe('ok');
        expect(await ask(client)).toBe('fresh');
        expect(server.connections()).toBe(2);
      },
    );
  });

  test('so does one that comes while nobody asks', async () => {
    const sockets: Socket[] = [];
    await withServer(
      (socket) => {
        sockets.push(socket);
        socket.write(counted(`${sockets.length}`));
      },
      async (client, server) => {
        expect(await ask(client)).toBe('1');
        sockets[0]?.write(counted('smuggled'));
        await until('the connection to be dropped', () => server.open() === 0 || undefined);
        expect(await ask(client)).toBe('2');
      },
    );
  });

  test.each(['Content-Length: 2\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\n'])(
    'nor is the body of one that has none, which comes late: 204 with %j',
    async (announced) => {
      const sockets: Socket[] = [];
      await withServer(
        (socket, { connection }) => {
          sockets.push(socket);
          if (connection === 0 && sockets.length === 1) socket.write(`HTTP/1.1 204 No Content\r\n${announced}`);
          else socket.write(`${connection === 0 ? '0\r\n\r\n' : ''}${counted('ok')}`);
        },
        async (client, server) => {
          expect((await post(client)).status).toBe(204);
          expect(await ask(client)).toBe('ok');
          expect(server.connections()).toBe(2);
        },
      );
    },
  );

  test(
    'an answer that is whole before its request went out is the last on its connection',
    async () => {
      const large = 'x'.repeat(32 << 20);
      await using server = await startEarly();
      const client = openHttpClient(new URL(server.url), {});
      const answer = await post(client, { body: large });
      expect([answer.status, await textOf(answer.body)]).toEqual([413, 'no']);
      const second = await post(client, { body: 'y' });
      expect(second.status).toBe(413);
      expect(server.connections()).toBe(2);
      client.close();
    },
    PATIENCE,
  );
});

/** Answers before the body has come, of which it reads no more. */
async function startEarly() {
  const { createServer } = await import('node:net');
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('policy.md §6: what breaks is told, after all that came', () => {
  for (const [how, end] of [
    ['closed', (socket: Socket) => void socket.end()],
    ['reset', (socket: Socket) => void socket.resetAndDestroy()],
  ] as const) {
    for (const [what, head] of [
      ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
      ['counted', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'],
    ] as const)
      test(`a ${what} body whose connection is ${how} gives all that came, then a fault`, async () => {
        let close = () => {};
        await withServer(
          (socket) => {
            socket.write(head);
            close = () => end(socket);
          },
          async (client) => {
            const { body } = await post(client);
            const chunks = body[Symbol.asyncIterator]();
            expect(Buffer.from((await chunks.next()).value).toString()).toBe('hello');
            close();
            const fault = await faultOf(chunks.next());
            expect([fault.code, fault.sent]).toEqual(['broken', true]);
          },
        );
      });

    test(`before any byte of the answer, ${how}: it was sent, once, also on a connection that was used before`, async () => {
      await withServer(
        (socket, { turn }) => (turn === 0 ? void socket.write(counted('ok')) : end(socket)),
        async (client, server) => {
          expect(await ask(client)).toBe('ok');
          const fault = await faultOf(post(client));
          expect([fault.code, fault.sent]).toEqual(['broken', true]);
          expect(server.requests.length).toBe(2);
        },
      );
    });
  }

  test('a body without a length ends with a close, and breaks with a reset', async () => {
    let reset = () => {};
    await withServer(
      (socket, { connection }) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
        if (connection === 0) socket.end();
        else reset = () => void socket.resetAndDestroy();
      },
      async (client) => {
        expect(await ask(client)).toBe('hello');
        const { body } = await post(client);
        const chunks = body[Symbol.asyncIterator]();
        await chunks.next();
        reset();
        expect((await faultOf(chunks.next())).code).toBe('broken');
      },
    );
  });

  test('a reset takes nothing of what waited to be read', async () => {
    const size = 400_000;
    let reset = () => {};
    await withServer(
      (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size * 2}\r\n\r\n`);
        socket.write('x'.repeat(size));
        reset = () => void socket.resetAndDestroy();
      },
      async (client) => {
        const { body } = await post(client);
        let read = 0;
        let isReset = false;
        const fault = await faultOf(
          (async () => {
            for await (const chunk of body) {
              read += chunk.length;
              if (read < size || isReset) continue;
              isReset = true;
              reset();
            }
          })(),
        );
        expect([fault.code, read]).toEqual(['broken', size]);
      },
    );
  });

  test('a fault of the framing comes after the pieces before it', async () => {
    await withServer(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n'),
      async (client, server) => {
        const { body } = await post(client);
        const chunks = body[Symbol.asyncIterator]();
        expect(Buffer.from((await chunks.next()).value).toString()).toBe('hello');
        expect((await faultOf(chunks.next())).message).toMatch(/a chunk without a size/);
        await until('the connection to be dropped', () => server.open() === 0 || undefined);
      },
    );
  });
});

describe('giving up, at each point', () => {
  test('before it begins: nothing is sent', async () => {
    await withServer(
      () => {},
      async (client, server) => {
        const fault = await faultOf(post(client, { signal: AbortSignal.abort() }));
        expect([fault.code, fault.sent, server.connections()]).toEqual(['aborted', false, 0]);
      },
    );
  });

  test('while the connection is made: nothing is sent', async () => {
    await withServer(
      () => {},
      async (client, server) => {
        const giveUp = new AbortController();
        const asked = faultOf(post(client, { signal: giveUp.signal }));
        giveUp.abort();
        expect(await asked).toMatchObject({ code: 'aborted', sent: false });
        expect(server.requests).toEqual([]);
      },
    );
  });

  for (const [when, said, taken] of [
    ['before the answer', '', 0],
    ['in the head', 'HTTP/1.1 200 OK\r\nConte', 0],
    ['in the body', 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello', 1],
    ['in a stream', 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n', 1],
  ] as const)
    test(`${when}: the connection is dropped, and whoever reads hears of it`, async () => {
      await withServer(
        (socket) => void socket.write(said),
        async (client, server) => {
          const giveUp = new AbortController();
          const asked = post(client, { signal: giveUp.signal });
          asked.catch(() => {});
          const reading = (async () => {
            for await (const _ of (await asked).body) taken === 1 && queueMicrotask(() => giveUp.abort());
          })();
          reading.catch(() => {});
          await until('the request', () => server.requests[0]);
          if (taken === 0) giveUp.abort();
          expect(await faultOf(reading)).toMatchObject({ code: 'aborted', sent: true });
          await until('the connection to be dropped', () => server.open() === 0 || undefined);
        },
      );
    });

  test('after the answer: the connection serves the next', async () => {
    await withServer(
      (socket) => void socket.write(counted('ok')),
      async (client, server) => {
        const giveUp = new AbortController();
        const answer = await post(client, { signal: giveUp.signal });
        const next = post(client);
        giveUp.abort();
        answer.discard();
        expect(await textOf((await next).body)).toBe('ok');
        expect(server.connections()).toBeLessThanOrEqual(2);
        expect(await ask(client)).toBe('ok');
      },
    );
  });

  test('a loop that is left drops the connection', async () => {
    await withServer(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello'),
      async (client, server) => {
        for await (const _ of (await post(client)).body) break;
        await until('the connection to be dropped', () => server.open() === 0 || undefined);
      },
    );
  });
});

describe('what nobody wants', () => {
  test('a short rest is read, and the connection used again', async () => {
    let more = () => {};
    await withServer(
      (socket, { connection, turn }) => {
        if (connection > 0 || turn > 0) return void socket.write(counted('next'));
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
        more = () => void socket.write('world');
      },
      async (client, server) => {
        (await post(client)).discard();
        more();
        const isUsedAgain = () => server.requests.some(({ connection, turn }) => connection === 0 && turn > 0);
        let count = 0;
        await until('the connection to be used again', async () => {
          // More at once than there were before: they need all that is free.
          count += 1;
          await Promise.all(Array.from({ length: count }, () => ask(client)));
          return isUsedAgain() || undefined;
        });
      },
    );
  });

  test.each([
    ['a long rest', `HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(200_000)}`],
    ['one that does not come', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'],
    ['a stream', 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ])(
    '%s is dropped',
    async (_, said) => {
      await withServer(
        (socket) => void socket.write(said),
        async (client, server) => {
          (await post(client)).discard();
          await until('the connection to be dropped', () => server.open() === 0 || undefined);
        },
      );
    },
    20_000,
  );
});

/** Waits until nothing is written any more. */
async function untilStill(look: () => number): Promise<void> {
  let [last, times] = [-1, 0];
  await until('the server to wait', () => {
    times = look() === last ? times + 1 : 0;
    last = look();
    return times > 50 || undefined;
  });
}

describe('back-pressure', () => {
  test(
    'who does not read makes the server wait; who reads gets all, with as little on its way',
    async () => {
      const size = 256 << 20;
      const piece = Buffer.alloc(1 << 20, 120);
      let written = 0;
      await withServer(
        (socket) => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
          const fill = () => {
            while (written < size) {
              written += piece.length;
              if (!socket.write(piece)) return;
            }
          };
          socket.on('drain', fill);
          fill();
        },
        async (client) => {
          const { body } = await post(client);
          const chunks = body[Symbol.asyncIterator]();
          let read = (await chunks.next()).value?.length ?? 0;
          await untilStill(() => written);
          expect(written).toBeLessThan(64 << 20);
          // Counted in bytes between the two, since the memory of a process follows its collector.
          let most = 0;
          for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
            read += next.value.length;
            most = Math.max(most, written - read);
          }
          expect(read).toBe(size);
          expect(most).toBeLessThan(64 << 20);
        },
      );
    },
    PATIENCE,
  );

  test('an answer that waited to be read leaves a connection that reads', async () => {
    const body = 'x'.repeat(300_000);
    await withServer(
      (socket) => void socket.write(counted(body)),
      async (client, server) => {
        const first = await post(client);
        const second = await post(client);
        expect((await textOf(second.body)).length).toBe(body.length);
        expect((await textOf(first.body)).length).toBe(body.length);
        for (let i = 0; i < 3; i++) expect((await ask(client)).length).toBe(body.length);
        expect(server.connections()).toBe(2);
      },
    );
  });
});

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

test.skipIf(!hasIPv6)('an address of IPv6 is reached by its literal', async () => {
  await using server = await startRaw((socket) => void socket.write(counted('ok')), { host: '::1' });
  const client = openHttpClient(new URL(server.url), {});
  expect(await ask(client)).toBe('ok');
  expect(server.requests[0]?.head).toContain(`host: ${new URL(server.url).host}\r\n`);
  client.close();
});

test('onSent is told when the request is out, before there is an answer, and where it failed', async () => {
  let answer = () => {};
  await withServer(
    (socket) => {
      answer = () => void socket.write(counted('ok'));
    },
    async (client, server) => {
      for (const body of ['small', 'x'.repeat(1 << 20)]) {
        const out = Promise.withResolvers<void>();
        const asked = post(client, { body, onSent: out.resolve });
        await out.promise;
        await until('the request', () => server.requests.find((request) => request.body === body));
        answer();
        await textOf((await asked).body);
      }
    },
  );
  const failed = Promise.withResolvers<void>();
  await faultOf(post(openHttpClient(new URL('http://127.0.0.1:1/'), {}), { onSent: failed.resolve }));
  await failed.promise;
});
