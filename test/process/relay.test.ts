import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder, lives, peakMemory, RUNTIMES, settledInput, startRelay, startShell, until } from './relays.ts';

const LONG = 120_000;
/** A server that dies of nothing but SIGKILL. */
const STUBBORN = 'trap "" TERM INT HUP; echo ready; while :; do sleep 0.05; done';

for (const [name, runtime] of RUNTIMES) {
  describe(`wire.md §4 stdio under ${name}`, () => {
    test('bytes arrive unchanged both ways, and the status is the child’s', async () => {
      const relay = startRelay(runtime, ['sh', '-c', 'cat; exit 7']);
      const bytes = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) & 255));
      const output = relay.output();
      relay.process.stdin?.end(bytes);
      expect((await output).equals(bytes)).toBe(true);
      expect(await relay.status).toBe(7);
    });

    test('the same through real pipes', async () => {
      const relay = startShell(runtime, 'seq 1 300000 | $RELAY cat | cksum');
      const direct = startShell(runtime, 'seq 1 300000 | cksum');
      const [got, expected] = await Promise.all([relay.output(), direct.output()]);
      expect(got.toString()).toBe(expected.toString());
    });

    test('a child that exits at once: its last words arrive, then its status', async () => {
      const relay = startRelay(runtime, ['sh', '-c', 'head -c 150000 /dev/zero; exit 3']);
      expect((await relay.output()).length).toBe(150_000);
      expect(await relay.status).toBe(3);
    });

    test('a child that dies of a signal: 128 + signal', async () => {
      expect(await startRelay(runtime, ['sh', '-c', 'kill -9 $$']).status).toBe(137);
    });

    test.each([
      ['no-such-command-anywhere', 'was not found'],
      ['./no-such-file', 'was not found'],
      ['/', 'is a directory'],
      [import.meta.path, 'is not executable'],
    ])('a command that cannot start says why: %s', async (command, why) => {
      const relay = startRelay(runtime, [command]);
      expect(await relay.said(/StartError: (.*)/)).toStartWith(`command ${JSON.stringify(command)} ${why}`);
      expect(await relay.status).toBe(127);
    });

    test('I10: INTERCEPT_* and named secrets stay out of the child’s environment', async () => {
      const relay = startRelay(runtime, ['env'], { TOP_SECRET: 'a', INTERCEPT_HOME: 'b', TOP_SECRET_NOT: 'c' });
      const env = (await relay.output()).toString().split('\n');
      expect(env).toContain('TOP_SECRET_NOT=c');
      expect(env.filter((line) => /^(TOP_SECRET=|INTERCEPT_)/.test(line))).toEqual([]);
    });

    test('a graceful end: EOF, SIGTERM after 1 s, SIGKILL after another', async () => {
      const relay = startRelay(runtime, ['sh', '-c', STUBBORN]);
      const child = Number(await relay.said(/child (\d+)/));
      const from = performance.now();
      relay.process.stdin?.end();
      expect(await relay.status).toBe(137);
      expect(performance.now() - from).toBeWithin(1_900, 3_500);
      expect(lives(child)).toBe(false);
    });

    test('SIGTERM comes 1 s after EOF', async () => {
      const relay = startRelay(runtime, ['sleep', '1000']);
      await relay.said(/child (\d+)/);
      const from = performance.now();
      relay.process.stdin?.end();
      expect(await relay.status).toBe(143);
      expect(performance.now() - from).toBeWithin(950, 1_900);
    });

    test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s reaches the whole group at once', async (signal) => {
      const relay = startRelay(runtime, ['sh', '-c', `trap 'exit 9' INT TERM HUP; echo ready; while :; do sleep 0.05; done`]);
      const child = Number(await relay.said(/child (\d+)/));
      await new Promise((resolve) => relay.process.stdout?.once('data', resolve));
      relay.process.kill(signal);
      expect(await relay.status).toBe(9);
      expect(lives(child)).toBe(false);
    });

    test(
      'no grandchild outlives the proxy, whether the child dies by itself or is ended',
      async () => {
        for (const after of ['exit 0', 'read line']) {
          const relay = startRelay(runtime, ['sh', '-c', `sleep 1000 & echo $!; ${after}`]);
          const grandchild = Number(await new Promise((resolve) => relay.process.stdout?.once('data', resolve)));
          relay.process.stdin?.end();
          await relay.status;
          await until(() => !lives(grandchild));
        }
      },
      LONG,
    );

    test('nor one that left the group', async () => {
      const relay = startRelay(runtime, ['sh', '-c', 'setsid sleep 1000 & echo $!; wait']);
      const grandchild = Number(await new Promise((resolve) => relay.process.stdout?.once('data', resolve)));
      relay.process.stdin?.end();
      await relay.status;
      await until(() => !lives(grandchild));
    });

    test('a grandchild has its time to clean up when the group is ended', async () => {
      await inFolder(async (folder) => {
        const cleaner = `trap 'sleep 0.3; echo clean > ${folder}/mark; exit' TERM; echo up; while :; do sleep 0.05; done`;
        const relay = startRelay(runtime, ['sh', '-c', `sh -c "$CLEANER" & wait`], { CLEANER: cleaner });
        await new Promise((resolve) => relay.process.stdout?.once('data', resolve));
        relay.process.kill('SIGTERM');
        await relay.status;
        expect(readFileSync(join(folder, 'mark'), 'utf8')).toBe('clean\n');
      });
    });

    test('a child that closes its stdout but lives is ended: it can answer nothing more (I9)', async () => {
      const relay = startRelay(runtime, ['sh', '-c', 'exec >&-; exec sleep 1000']);
      expect(await relay.status).toBe(143);
    });

    test('a child that closes its stdin but lives is ended at the next write', async () => {
      const relay = startRelay(runtime, ['sh', '-c', 'exec <&-; echo closed; exec sleep 1000']);
      await new Promise((resolve) => relay.process.stdout?.once('data', resolve));
      relay.process.stdin?.write('{}\n');
      expect(await relay.status).toBe(143);
    });

    test('when the proxy is killed with SIGKILL the child sees EOF', async () => {
      await inFolder(async (folder) => {
        const mark = join(folder, 'eof');
        const relay = startRelay(runtime, ['sh', '-c', `echo up; cat > /dev/null; echo > ${mark}`]);
        await new Promise((resolve) => relay.process.stdout?.once('data', resolve));
        relay.process.kill('SIGKILL');
        await until(() => existsSync(mark));
      });
    });

    test(
      'back-pressure: 200 MB from a child whose reader does not read stay out of memory, and arrive',
      async () => {
        const relay = startRelay(runtime, ['sh', '-c', 'head -c 200000000 /dev/zero; exec cat']);
        await relay.said(/downstream full/);
        expect(await settledInput(relay.pid)).toBeLessThan(20_000_000);
        let length = 0;
        relay.process.stdout?.on('data', (chunk: Buffer) => {
          length += chunk.length;
        });
        await until(() => length === 200_000_000);
        expect(peakMemory(relay.pid)).toBeLessThan(170);
        relay.process.stdin?.end();
        expect(await relay.status).toBe(0);
      },
      LONG,
    );

    test(
      'back-pressure: 200 MB for a child that does not read stay out of memory, and arrive',
      async () => {
        await inFolder(async (folder) => {
          const server = `while [ ! -e ${folder}/go ]; do sleep 0.02; done; head -c 200000000 | wc -c; exec cat`;
          const relay = startShell(runtime, `head -c 200000000 /dev/zero | (exec $RELAY sh -c "$SERVER"; ) `, { SERVER: server });
          await relay.said(/upstream full/);
          expect(await settledInput(Number(await relay.said(/self (\d+)/)))).toBeLessThan(20_000_000);
          writeFileSync(join(folder, 'go'), '');
          expect((await relay.output()).toString().trim()).toBe('200000000');
        });
      },
      LONG,
    );

    test('signals work while nobody reads stdout', async () => {
      const relay = startRelay(runtime, ['yes'], { RELAY_FLUSH: '100' });
      const child = Number(await relay.said(/child (\d+)/));
      await relay.said(/downstream full/);
      relay.process.kill('SIGTERM');
      expect(await relay.status).toBe(143);
      expect(lives(child)).toBe(false);
    });

    test(
      'an agent that closes early ends the session',
      async () => {
        const relay = startShell(runtime, '(sleep 1000 & echo $! >&2; exec cat <&3) 3<&0 | $RELAY yes | head -n 1');
        expect(await relay.said(/agent gone (\w+)/)).toBe('EPIPE');
        relay.process.stdin?.end();
        process.kill(Number(await relay.said(/^(\d+)$/m)));
        expect(await relay.status).toBe(0);
      },
      LONG,
    );

    // More than one socket pair takes, and less than two: else the child waits for a reader, too.
    test('what waits for a slow reader is flushed before the proxy exits', async () => {
      const relay = startRelay(runtime, ['sh', '-c', 'head -c 300000 /dev/zero; exit 5'], { RELAY_FLUSH: '10000' });
      const child = Number(await relay.said(/child (\d+)/));
      await relay.said(/downstream full/);
      await until(() => !lives(child));
      expect((await relay.output()).length).toBe(300_000);
      expect(await relay.status).toBe(5);
    });
  });
}
