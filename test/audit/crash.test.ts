import { describe, expect, test } from 'bun:test';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { listEventFiles } from '../../src/audit/evidence/read.ts';
import { verifyChain } from '../../src/audit/evidence/verify.ts';
import { readEvents, withFolder } from './events.ts';

const SCRIPT = join(import.meta.dir, 'children', 'write-records.ts');

describe('kill -9 of a writer (cli.md §2, I3)', () => {
  for (const after of [1, 40, 333, 1000, 2500]) {
    test(`after ${after} records: all that were acknowledged are there, whole and chained`, () =>
      withFolder(async (dir) => {
        const child = spawn(process.execPath, [SCRIPT, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
        const exited = once(child, 'exit');
        let text = '';
        for await (const chunk of child.stdout) {
          text += chunk;
          if (text.split('\n').length > after) child.kill('SIGKILL');
        }
        await exited;
        const acknowledged = Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1));
        const [file = ''] = await listEventFiles(dir);
        const verdict = await verifyChain(file);
        if (!verdict.ok) throw new Error(verdict.why);
        expect(verdict.records).toBeGreaterThanOrEqual(acknowledged);
        expect(verdict.records).toBeLessThanOrEqual(acknowledged + 1);
        expect((await readEvents(dir)).map((record) => record.call)).toEqual(
          Array.from({ length: verdict.records }, (_, i) => `c${i + 1}`),
        );
      }));
  }
});

describe('a full disk (I3)', () => {
  // A limit on file size fails writes half-way, as a full disk does; the signal that comes with it is ignored.
  const LIMITED = 'trap "" XFSZ; ulimit -f 16; exec "$0" "$@"';

  test('fails the call, takes the half record back, and the chain goes on', () =>
    withFolder(async (dir) => {
      const sizes = ['10', '2000', '9000', '9000', '10', '50000', '10'];
      const child = spawnSync('sh', ['-c', LIMITED, process.execPath, SCRIPT, dir, ...sizes], { encoding: 'utf8' });
      const answers = child.stdout.trim().split('\n');
      expect(answers).toContain('failed');
      expect(answers.at(-1)).not.toBe('failed');
      const kept = answers.filter((answer) => answer !== 'failed').length;
      const [file = '', ...more] = await listEventFiles(dir);
      expect(more).toEqual([]);
      expect(await verifyChain(file)).toMatchObject({ ok: true, records: kept, torn: false });
      expect(fs.readFileSync(file, 'utf8')).toEndWith('\n');
    }));
});
