/** A call's arguments as the page shows them (cli.md §3): all of them, in full, or it says that they are not. */
import { describe, expect, test } from 'bun:test';
import { rowsOf } from '../../../src/admin/page/rows.ts';
import { viewApproval } from '../../../src/admin/page/view.ts';
import type { Approval } from '../../../src/core/approval.ts';
import type { Piece } from '../../../src/core/reveal.ts';
import { readJson } from '../../../src/mcp/json/values.ts';
import { EVIDENCE } from '../../state/calls.ts';

const plain = (pieces: readonly Piece[]) => pieces.map(({ text }) => text).join('');
const shown = (json: string) => rowsOf(readJson(json)).rows.map(({ path, type, value }) => `${plain(path)} | ${type} | ${plain(value)}`);

describe('cli.md §3: each value has a row', () => {
  test('in the order in which they came, numbers as they were written', () => {
    expect(shown('{"b":9007199254740993,"a":{"x":[1e400,"t",null,true,{},[]]},"e":""}')).toEqual([
      'b | number | 9007199254740993',
      'a.x[0] | number | 1e400',
      'a.x[1] | text, 1 character | t',
      'a.x[2] | null | null',
      'a.x[3] | true or false | true',
      'a.x[4] | empty object | ',
      'a.x[5] | empty list | ',
      'e | text, 0 characters | ',
    ]);
  });

  test('and no name can be taken for a path', () => {
    expect(shown('{"a.b":1,"c[0]":2,"":3,"d\\"]":4,"__proto__":5,"e":{"f":6}}').map((row) => row.split(' | ')[0])).toEqual([
      '["a.b"]',
      '["c[0]"]',
      '[""]',
      '["d\\"]"]',
      '__proto__',
      'e.f',
    ]);
  });

  test('names that look alike are told, at any depth', () => {
    const { rows } = rowsOf(readJson('{"amount":1,"\u0430mount":{"x":2},"other":3}'));
    expect(rows.map(({ twin }) => twin)).toEqual([true, true, false]);
  });
});

describe('cli.md §3: what cannot be shown in full is said to be so', () => {
  const record = (args: string): Approval => ({
    ...{ id: 'apr_aaaaaaaaaaaaaaaa', namespace: 'n', tool: 't', agent: undefined, rule: 'r', message: 'm', args, evidence: EVIDENCE },
    ...{ state: 'pending', timeout: 1, createdAt: 0, expiresAt: 1, decidedAt: undefined, decidedBy: undefined, reason: undefined },
    ...{ attempts: 0, retries: 2, consumedAt: undefined },
  });
  const view = (args: string, meta?: string) =>
    viewApproval({ ...record(args), evidence: { ...EVIDENCE, meta } }, 0, (text) => readJson(text));

  test.each([
    ['many values', JSON.stringify(Array.from({ length: 2_001 }, () => 1))],
    ['a deep value', `${'['.repeat(120)}1${']'.repeat(120)}`],
    ['a long text', JSON.stringify({ a: 'x'.repeat(70_000) })],
    ['a long name', JSON.stringify({ ['x'.repeat(70_000)]: 1 })],
    ['more marks than a reader can take', JSON.stringify({ a: '\u200b'.repeat(10_001) })],
    ['long names above', JSON.stringify({ ['x'.repeat(10_000)]: Array.from({ length: 10 }, () => 1) })],
  ])('%s', (_, args) => {
    const { complete, warnings } = view(args);
    expect([complete, warnings[0]?.includes('too large')]).toEqual([false, true]);
  });

  test('what the client added in _meta has rows of its own, and has to be shown in full, too', () => {
    expect(view('{"a":1}', '{"account":"p\u0430y"}')).toMatchObject({
      complete: true,
      rows: [{ path: [{ text: 'a' }] }],
      meta: [{ path: [{ text: 'account' }] }],
      warnings: ['One character looks like another letter. Look for the marks.'],
    });
    expect(view('{}', JSON.stringify(Array.from({ length: 2_001 }, () => 1))).complete).toBe(false);
    expect(view('{}').meta).toEqual([]);
  });

  test('not so what fits', () => {
    expect(view(JSON.stringify({ list: Array.from({ length: 1_999 }, () => 1) }))).toMatchObject({ complete: true, warnings: [] });
    expect(view(JSON.stringify({ a: 'x'.repeat(65_000) }))).toMatchObject({ complete: true });
  });

  test('what is marked is counted', () => {
    expect(view('{"a":"x\\u202ey","b":"p\\u0430y"}').warnings).toEqual([
      'One character shows nothing by itself. Look for the marks.',
      'One character looks like another letter. Look for the marks.',
    ]);
  });
});
