import { describe, expect, test } from 'bun:test';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { verifyChain } from '../../src/audit/evidence/verify.ts';
import { callOf, withSink } from './events.ts';

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
