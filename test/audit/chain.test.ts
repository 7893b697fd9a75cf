import { describe, expect, test } from 'bun:test';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { verifyChain, verifyFolder } from '../../src/audit/evidence/verify.ts';
import { openKeyedHash } from '../../src/audit/key.ts';
import { openFileSink } from '../../src/audit/sinks/file.ts';
import { callOf, NOON, withFolder, withSink } from './events.ts';

type Edit = (lines: string[]) => string[];

async function verdictAfter(edit: Edit, end = '\n') {
  let verdict: unknown;
  await withSink(async ({ dir, sink, files, lines }) => {
    for (let i = 1; i <= 5; i++) sink.write([callOf({ i }, { call: `c${i}` })]);
    const file = join(dir, files()[0] ?? '');
    fs.writeFileSync(file, edit(lines()).join('\n') + end);
    verdict = await verifyChain(file);
  });
  return verdict;
}

const at = (index: number, change: (line: string) => string[]): Edit => {
  return (lines) => lines.flatMap((line, i) => (i === index ? change(line) : [line]));
};

describe('the chain (cli.md §2)', () => {
  test('holds as it was written', async () => {
    expect(await verdictAfter((lines) => lines)).toMatchObject({ ok: true, records: 5, torn: false });
  });

  const broken: Record<string, [Edit, number]> = {
    'a changed record': [at(1, (line) => [line.replace('"i":2', '"i":3')]), 3],
    'a removed record': [at(2, () => []), 3],
    'a removed first record': [at(0, () => []), 1],
    'an inserted copy': [at(2, (line) => [line, line]), 4],
    'an inserted record of no chain': [at(2, (line) => [line.replace('"call":"c3"', '"call":"cX"'), line]), 4],
    'an inserted line that is no record': [at(3, (line) => ['', line]), 4],
    'two records in the other order': [(lines) => [lines[0], lines[2], lines[1], ...lines.slice(3)].map(String), 2],
  };
  for (const [what, [edit, line]] of Object.entries(broken)) {
    test(`shows ${what}`, async () => expect(await verdictAfter(edit)).toMatchObject({ ok: false, line }));
  }

  test('a torn last line is no break', async () => {
    expect(await verdictAfter((lines) => [...lines, '{"ts":"2026-03'], '')).toMatchObject({ ok: true, records: 5, torn: true });
  });

  test('the last hash tells whether records were cut off at the end', async () => {
    const whole = (await verdictAfter((lines) => lines)) as { last: string };
    const cut = (await verdictAfter((lines) => lines.slice(0, 4))) as { last: string };
    expect(cut).toMatchObject({ ok: true, records: 4 });
    expect(cut.last).not.toBe(whole.last);
  });
});

describe('the chains of a folder', () => {
  /** Three files of one chain, and one of another process. */
  const write = (dir: string) => {
    const open = (instance: string, clock: number) =>
      openFileSink({ dir, instance, clock: () => clock, keyedHash: openKeyedHash(new Uint8Array(32)), args: 'redacted', maxBytes: 700 });
    const [a, b] = [open('a', NOON), open('b', NOON + 1)];
    for (let i = 1; i <= 9; i++) a.write([callOf({ i }, { call: `c${i}` })]);
    b.write([callOf({})]);
    a.close();
    b.close();
    return fs.readdirSync(dir).filter((name) => name.includes('-a.'));
  };
  const check = async (dir: string) => {
    const seen: unknown[] = [];
    for await (const { files, verdict } of verifyFolder(dir))
      seen.push({ files: files.length, ...verdict, ...('file' in verdict && { file: basename(verdict.file) }) });
    return seen;
  };

  test('hold', () =>
    withFolder(async (dir) => {
      const files = write(dir).length;
      expect(files).toBeGreaterThan(3);
      expect(await check(dir)).toMatchObject([
        { files, ok: true, begins: 1, records: 9 },
        { files: 1, ok: true, begins: 1, records: 1 },
      ]);
    }));

  test('show a file that is missing among others, and where one begins whose older files have ended', () =>
    withFolder(async (dir) => {
      const [first = '', second = '', third = ''] = write(dir).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
      fs.rmSync(join(dir, second));
      expect((await check(dir))[0]).toMatchObject({ ok: false, file: third, why: `the file before it, "${second}", is missing` });
      fs.rmSync(join(dir, first));
      expect((await check(dir))[0]).toMatchObject({ ok: true, begins: 5 });
    }));

  test('show what is no audit file, each by itself', () =>
    withFolder(async (dir) => {
      fs.mkdirSync(join(dir, 'a.jsonl'));
      fs.writeFileSync(join(dir, 'b.jsonl'), 'x'.repeat(2_000_000));
      fs.writeFileSync(join(dir, 'c.jsonl'), `${'x'.repeat(2_000_000)}\n`);
      fs.writeFileSync(join(dir, 'd.jsonl'), Buffer.alloc(10));
      fs.writeFileSync(join(dir, 'e.jsonl'), '\n');
      fs.writeFileSync(join(dir, 'f.jsonl'), '');
      expect(await check(dir)).toEqual([
        { files: 1, ok: false, file: 'a.jsonl', line: undefined, why: 'it is no file' },
        { files: 1, ok: false, file: 'b.jsonl', line: 1, why: 'the line is longer than any record' },
        { files: 1, ok: false, file: 'c.jsonl', line: 1, why: 'the line is longer than any record' },
        { files: 1, ok: true, begins: 1, records: 0, last: '0'.repeat(64), torn: true },
        { files: 1, ok: false, file: 'e.jsonl', line: 1, why: 'the line is not a record' },
        { files: 1, ok: true, begins: 1, records: 0, last: '0'.repeat(64), torn: false },
      ]);
    }));
});
