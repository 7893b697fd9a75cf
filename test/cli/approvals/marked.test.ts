/** What a person sees of arguments on a terminal before deciding (cli.md §3). */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { charactersBeyond, columnsOf, markName, renderArguments } from '../../../src/cli/approvals/marked.ts';
import { renderRecordLines } from '../../../src/cli/approvals/record-lines.ts';
import { NOW, record } from './records.ts';

/** Everything that could move the cursor, reorder a line or show nothing. */
const DANGEROUS =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{M}\p{Default_Ignorable_Code_Point}\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;

/** The JSON that lines were made of. */
function backToJson(lines: readonly string[]): string {
  const joined = lines
    .map((line, index) => (/^ *↳ /.test(line) ? line.replace(/^ *↳ /, '') : `${index === 0 ? '' : '\n'}${line}`))
    .join('');
  return joined.replace(/‹(\d+) blanks›/g, (_, count) => ' '.repeat(Number(count))).replace(/[⟨⟩]/g, '');
}

describe('cli.md §3: every argument is shown in full, and nothing hides in it', () => {
  test.each([
    ['{"amount":52000}', ['{', '  "amount": 52000', '}']],
    ['{}', ['{}']],
    [
      '{"n":9007199254740993.10,"list":[],"o":{"x":null}}',
      ['{', '  "n": 9007199254740993.10,', '  "list": [],', '  "o": {', '    "x": null', '  }', '}'],
    ],
    ['{"to":"\u0430pple\u202emoc"}', ['{', '  "to": "⟨\u0430⟩pple\\u202emoc"', '}']],
    ['{"a":"x\\u001b[2J\\u0007"}', ['{', '  "a": "x\\u001b[2J\\u0007"', '}']],
    ['{"a":"said \\"no\\" \\\\u202e"}', ['{', '  "a": "said \\"no\\" \\\\u202e"', '}']],
    [`{"a":"b${' '.repeat(300)}c  d"}`, ['{', '  "a": "b‹300 blanks›c  d"', '}']],
    ['{"a":"⟨x⟩ ‹9 blanks› ↳"}', ['{', '  "a": "⟨\\u27e8⟩x⟨\\u27e9⟩ ⟨\\u2039⟩9 blanks⟨\\u203a⟩ ⟨\\u21b3⟩"', '}']],
    ['{"a":"שלום 12"}', ['{', '  "a": "⟨\\u05e9\\u05dc\\u05d5\\u05dd⟩ 12"', '}']],
    ['{"a":"one\\ntwo"}', ['{', '  "a": "one\\n', '  ↳ two"', '}']],
  ])('%s', (args, expected) => expect(renderArguments(args, 80)).toEqual(expected));

  test('any arguments, at any width: no line is too wide, nothing dangerous is printed, and nothing is lost', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 120 }), fc.constant(' '.repeat(50)));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        text,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(text, tie('tree'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(text, tree, { maxKeys: 4 }), fc.integer({ min: 40, max: 120 }), (args, width) => {
        const lines = renderArguments(JSON.stringify(args), width);
        for (const line of lines) {
          expect(columnsOf(line)).toBeLessThanOrEqual(width);
          expect(DANGEROUS.test(line)).toBe(false);
        }
        expect(JSON.parse(backToJson(lines))).toEqual(args);
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  test('what is beyond ASCII is named by its code point, and by what it looks like', () => {
    expect(charactersBeyond('p\u0430y M\u00fcller')).toEqual(['\u0430 U+0430 looks like a', '\u00fc U+00FC']);
    expect(markName('create\u202e_refund')).toBe('create\\u202e_refund');
  });
});

describe('cli.md §3: a record', () => {
  test('shows who, why, what approving overrides, that more may be asked, and the arguments', () => {
    const rules = [
      { rule: 'large refund', message: 'Refunds over $100 need a human' },
      { rule: 'night', message: 'Nobody refunds at night' },
    ];
    const { evidence } = record();
    const shown = renderRecordLines(
      record({ evidence: { ...evidence, rules, overrides: ['rule "customer service only": condition args.reason in is false'] } }),
      NOW,
      100,
    );
    expect(shown).toEqual([
      'apr_aaaaaaaaaaaaaaaa  pending, expires in 14m',
      '  tool        create_refund',
      '  agent       refunds-bot',
      '  policy      stripe, revision 2b49da065dc6',
      '  server      npx -y @stripe/mcp',
      '  client      calls itself example',
      '  held by     large refund: Refunds over $100 need a human',
      '  held by     night: Nobody refunds at night',
      '  overrides   rule "customer service only": condition args.reason in is false',
      '  asked       1m ago, 2026-03-01T09:59:00Z',
      '  note        the tool may ask for more input; the answers are not shown here',
      '  arguments',
      '    {',
      '      "amount": 52000,',
      '      "charge": "ch_1"',
      '    }',
    ]);
  });

  test('what the client added in _meta stands below the arguments, in full and marked', () => {
    const { evidence } = record();
    const shown = renderRecordLines(record({ evidence: { ...evidence, meta: '{"example.com/account":"c\u0435o","n":1.0}' } }), NOW, 100);
    expect(shown.slice(shown.indexOf('  beside them, in _meta'))).toEqual([
      '  beside them, in _meta',
      '    {',
      '      "example.com/account": "c⟨\u0435⟩o",',
      '      "n": 1.0',
      '    }',
      '  beyond      \u0435 U+0435 looks like e',
    ]);
  });

  test('no field can forge another: names, messages and clients are marked too', () => {
    const evil = 'x\n  overrides   nothing\u001b[2K\u202e';
    const { evidence } = record();
    const fields = { tool: evil, agent: evil, rule: evil, message: evil, decidedBy: evil, reason: evil, decidedAt: NOW };
    const shown = renderRecordLines(
      record({ ...fields, evidence: { ...evidence, client: evil, policy: evil, upstream: evil, overrides: [evil] } }),
      NOW,
      60,
    );
    expect(shown.filter((line) => /^ {2}overrides/.test(line))).toHaveLength(1);
    for (const line of shown) {
      expect(DANGEROUS.test(line)).toBe(false);
      expect(columnsOf(line)).toBeLessThanOrEqual(60);
    }
  });
});
