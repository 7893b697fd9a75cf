/** What tells records apart stands on one line, within the terminal, in columns (cli.md §3). */
import { describe, expect, test } from 'bun:test';
import { columnsOf } from '../../../src/cli/approvals/marked.ts';
import { layTable, renderDifferences } from '../../../src/cli/approvals/table.ts';
import { NOW, record } from './records.ts';

const refund = (n: number, amount: string, fields = {}) =>
  record({
    id: `apr_${String.fromCharCode(97 + n).repeat(16)}`,
    args: `{"charge":"ch_${n}","currency":"usd","amount":${amount},"reason":"requested"}`,
    createdAt: NOW - n * 60_000,
    ...fields,
  });
const SIX = Array.from({ length: 6 }, (_, n) => refund(n, `${n + 1}0000.50`));

describe('C9: six calls of one tool', () => {
  test('what differs stands first, numbers before the rest, as they were sent', () => {
    expect(renderDifferences(SIX)[2]).toBe('amount=30000.50 charge="ch_2" currency="usd" reason="requested"');
    expect(renderDifferences([SIX[0] ?? record(), record({ tool: 'drop_table', args: '{"table":"users"}' })])[1]).toBe('table="users"');
  });

  test('what is cut, long or no object is shown from its beginning', () => {
    expect(renderDifferences([record({ args: '{"a":1' }), record({ args: '[1]' }), record({ args: '{}' })])).toEqual(['{"a":1', '[1]', '']);
  });

  for (const columns of [80, 200]) {
    test(`${columns} columns: amount, agent and age of each, below each other`, () => {
      const table = layTable(SIX, { now: NOW, columns, isAll: false });
      const lines = [table.head, ...table.rowsOf(SIX)];
      expect(Math.max(...lines.map(columnsOf))).toBeLessThanOrEqual(columns);
      for (const [title, word] of [
        ['ARGUMENTS', 'amount='],
        ['AGENT', 'refunds-bot'],
        ['ASKED', ''],
      ] as const)
        for (const line of lines.slice(1)) expect(line.indexOf(word, table.head.indexOf(title))).toBe(table.head.indexOf(title));
      expect(lines.slice(1).map((line) => /amount=(\d+)/.exec(line)?.[1])).toEqual(['10000', '20000', '30000', '40000', '50000', '60000']);
      expect(table.head.includes('RULE')).toBe(columns === 200);
    });
  }

  test('ids are short where that tells all apart, and whole where there is room', () => {
    const alike = [record({ id: 'apr_aaaaaaaaaaaaaaaa' }), record({ id: 'apr_aaaaaaaabbbbbbbb' })];
    const firstOf = (columns: number | undefined) => layTable(alike, { now: NOW, columns, isAll: false }).rowsOf(alike)[0]?.split(' ')[0];
    expect([firstOf(80), firstOf(200), firstOf(undefined)]).toEqual(['apr_aaaaaaaaa', 'apr_aaaaaaaaaaaaaaaa', 'apr_aaaaaaaaaaaaaaaa']);
  });

  test('--all says what became of each; wide and hidden characters move no column', () => {
    const decided = [
      refund(1, '1', { state: 'denied', decidedBy: 'ada', decidedAt: NOW - 1_000 }),
      refund(2, '2', { agent: '日本語の代理人です', tool: 'x\ny' }),
    ];
    const table = layTable(decided, { now: NOW, columns: 200, isAll: true });
    const [first = '', second = ''] = table.rowsOf(decided);
    expect(first).toContain('denied by ada 1s ago');
    expect(second).toContain('x\\u000ay');
    const before = (line: string) => columnsOf(line.slice(0, line.indexOf('amount=')));
    expect(before(first)).toBe(before(second));
  });
});
