/** The live view without a terminal: what keys decide, and what is drawn (cli.md §3). */
import { describe, expect, test } from 'bun:test';
import type { Key } from '../../../src/cli/approvals/keys.ts';
import { columnsOf } from '../../../src/cli/approvals/marked.ts';
import { keepArgumentLines } from '../../../src/cli/approvals/record-lines.ts';
import { FIRST, noteDrawn, pressKey, takeRecords, type WatchState } from '../../../src/cli/approvals/watch-state.ts';
import { layOut } from '../../../src/cli/approvals/watch-view.ts';
import type { Approval } from '../../../src/core/approval.ts';
import { NOW, record } from './records.ts';

const PLAIN = (_: string, text: string) => text;
const A = record({ id: 'apr_aaaaaaaaaaaaaaaa' });
const B = record({ id: 'apr_bbbbbbbbbbbbbbbb', tool: 'drop_table' });
const LONG = record({ id: 'apr_cccccccccccccccc', args: JSON.stringify({ lines: Array.from({ length: 60 }, (_, i) => `line ${i}`) }) });

/** A person before a screen, with a clock that only they move. */
function sit(records: readonly Approval[], size = { columns: 80, rows: 24 }) {
  let now = NOW;
  let state: WatchState = FIRST;
  const effects: unknown[] = [];
  const args = keepArgumentLines();
  const draw = () => {
    const { lines, drawn, top } = layOut(state, { size, now, paint: PLAIN, args, refusal: undefined });
    state = noteDrawn({ ...state, top }, drawn, now);
    return lines;
  };
  const press = (...keys: readonly (string | Key)[]) => {
    for (const key of keys) {
      const pressed = pressKey(state, typeof key === 'string' ? { kind: 'text', text: key } : key, now);
      state = pressed.state;
      if (pressed.effect) effects.push(pressed.effect);
      draw();
    }
  };
  const take = (next: readonly Approval[]) => {
    state = takeRecords(state, next, now);
    draw();
  };
  take(records);
  return {
    press,
    take,
    draw,
    effects,
    wait: (ms: number) => {
      now += ms;
      return draw();
    },
    resize: (columns: number, rows: number) => {
      size = { columns, rows };
      return draw();
    },
    state: () => state,
    foot: () => draw().at(-1),
  };
}

const decided = (verdict: string, id: string, reason = '') => ({ kind: 'decide', verdict, id, reason });

describe('cli.md §3: a key counts only for a record that was shown for a second', () => {
  test('it does nothing before, and decides after', () => {
    const person = sit([A, B]);
    person.wait(999);
    person.press('a');
    expect(person.effects).toEqual([]);
    expect(person.foot()).toContain('look at it for a second');
    person.wait(1);
    person.press('a');
    expect(person.effects).toEqual([decided('approve', A.id)]);
  });

  test('a key meant for a record that has just gone does not decide the one in its place', () => {
    const person = sit([A, B]);
    person.wait(5_000);
    person.take([B]);
    person.press('a', 'd');
    expect(person.effects).toEqual([]);
    expect(person.foot()).toContain('second');
    person.wait(1_000);
    person.press('a');
    expect(person.effects).toEqual([decided('approve', B.id)]);
  });

  test('keys that come at once decide one record at most', () => {
    const person = sit([A, B]);
    person.wait(2_000);
    person.press('a', 'a', { kind: 'down' }, 'a', 'a');
    expect(person.effects).toEqual([decided('approve', A.id)]);
  });

  test('selecting another one, and coming back, starts the second anew', () => {
    const person = sit([A, B]);
    person.wait(2_000);
    person.press('j', 'a', 'k', 'a');
    expect(person.effects).toEqual([]);
    person.wait(1_000);
    person.press('a');
    expect(person.effects).toEqual([decided('approve', A.id)]);
  });

  test('a record that comes does not move the selection', () => {
    const person = sit([B]);
    person.wait(2_000);
    person.take([A, B]);
    person.press('a');
    expect(person.effects).toEqual([decided('approve', B.id)]);
  });

  test('what is pasted decides nothing', () => {
    const person = sit([A]);
    person.wait(2_000);
    person.press({ kind: 'pasted', text: 'a' });
    expect(person.effects).toEqual([]);
  });
});

describe('cli.md §3: what had to be cut cannot be approved', () => {
  test('until the whole of it was read; it can be denied', () => {
    const person = sit([LONG]);
    person.wait(2_000);
    person.press('a');
    expect(person.effects).toEqual([]);
    expect(person.foot()).toContain('not all of it was shown');
    person.press('s', ' ', ' ', ' ');
    person.wait(2_000);
    person.press('a');
    expect(person.effects).toEqual([]);
    for (let i = 0; i < 10; i++) person.press(' ');
    person.press('a');
    expect(person.effects).toEqual([]);
    person.wait(1_000);
    person.press('a');
    expect(person.effects).toEqual([decided('approve', LONG.id)]);
  });

  test('jumping to the end is not reading it', () => {
    const person = sit([LONG]);
    person.press('s', { kind: 'bottom' });
    person.wait(5_000);
    person.press('a');
    expect(person.effects).toEqual([]);
    person.press({ kind: 'escape' }, 'd', { kind: 'enter' });
    expect(person.effects).toEqual([decided('deny', LONG.id)]);
  });

  test('nor can what is too long to be laid out here', () => {
    const person = sit([record({ args: JSON.stringify({ text: 'x'.repeat(300_000) }) })]);
    person.wait(2_000);
    expect(person.draw().join('\n')).toContain('too long for this view');
    person.press('a');
    expect(person.effects).toEqual([]);
    person.press('d', { kind: 'enter' });
    expect(person.effects).toEqual([decided('deny', A.id)]);
  });

  test('a window of another width shows another text', () => {
    const person = sit([A]);
    person.wait(2_000);
    person.resize(60, 9);
    person.press('a');
    expect(person.effects).toEqual([]);
  });
});

describe('cli.md §3: deny asks why', () => {
  test('a line, which Enter sends', () => {
    const person = sit([A]);
    person.wait(1_000);
    person.press('d', 'n', 'o', 'o', { kind: 'backspace' }, { kind: 'pasted', text: ' way\u001b' });
    expect(person.foot()).toBe('why denied? no way ');
    person.press({ kind: 'enter' });
    expect(person.effects).toEqual([decided('deny', A.id, 'no way')]);
  });

  test('Escape takes it back', () => {
    const person = sit([A]);
    person.wait(1_000);
    person.press('d', 'x', { kind: 'escape' });
    expect(person.effects).toEqual([]);
    expect(person.state().reason).toBe('');
  });

  test('a record that goes meanwhile is not denied, nor the next one', () => {
    const person = sit([A, B]);
    person.wait(1_000);
    person.press('d', 'x');
    person.take([B]);
    person.press({ kind: 'enter' });
    expect(person.effects).toEqual([]);
    expect(person.foot()).toContain(`${A.id} is no longer pending`);
  });
});

describe('cli.md §3: the screen', () => {
  const many = Array.from({ length: 200 }, (_, i) => record({ id: `apr_${String(i).padStart(16, 'a')}`, tool: `tool_${i}_日本` }));
  for (const [columns, rows] of [
    [80, 24],
    [40, 12],
    [30, 8],
    [200, 60],
  ] as const) {
    test(`fills ${columns}×${rows} and no more, whatever there is`, () => {
      for (const records of [[], [A], [LONG], many]) {
        const person = sit(records, { columns, rows });
        for (const keys of [[], ['s'], [' '], [{ kind: 'escape' } as const, 'j'], ['d']]) {
          person.press(...keys);
          const lines = person.wait(1_000);
          expect(lines.length).toBe(rows);
          expect(Math.max(...lines.map(columnsOf))).toBeLessThanOrEqual(columns);
        }
      }
    });
  }

  test('shows the list, the selected record whole, and the keys', () => {
    const lines = sit([A, B], { columns: 80, rows: 30 }).wait(2_000);
    expect(lines.slice(0, 4)).toEqual(
      [
        '2 calls waiting for approval',
        '  ID          ASKED    LEFT  AGENT        TOOL           ARGUMENTS',
        '> apr_aaaaaa  1m ago   13m   refunds-bot  create_refund  amount=52000 charge="ch_1"',
        '  apr_bbbbbb  1m ago   13m   refunds-bot  drop_table     amount=52000 charge="ch_1"',
      ].map((line) => (line.length > 80 ? `${line.slice(0, 79)}…` : line)),
    );
    expect(lines.join('\n')).toContain('    {\n      "amount": 52000,\n      "charge": "ch_1"\n    }\n');
    expect(lines.at(-1)).toContain('a approve  d deny');
  });

  test('where nothing waits it offers no decision', () => {
    const lines = sit([]).draw();
    expect([lines[0], lines.at(-1)]).toEqual(['nothing waits for approval', 'q quit']);
  });

  test('too small a window decides nothing', () => {
    const person = sit([A], { columns: 20, rows: 5 });
    person.wait(5_000);
    person.press('a');
    expect(person.effects).toEqual([]);
    expect(person.draw()).toEqual(['the window is too s…']);
  });
});
