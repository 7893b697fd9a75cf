/** setup.md §2: what a preset writes for a scanned server, and that no text of a server changes what it means. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readJson } from '../../../src/mcp/json/values.ts';
import { loadPolicyText } from '../../../src/policy/load.ts';
import { type Column, draftPolicy, type Preset, type ScannedServer } from '../../../src/setup/draft/draft.ts';
import { PRESETS } from '../../../src/setup/draft/model.ts';
import { suggestedColumn } from '../../../src/setup/draft/rules.ts';
import type { ScannedTool, ToolRisk } from '../../../src/setup/risk/risk.ts';

const SCHEMA = {
  type: 'object',
  required: ['id', 'state'],
  properties: {
    id: { type: 'string' },
    state: { enum: ['open', 'closed', 'on'] },
    limit: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
    labels: { type: 'array', items: { type: 'string' } },
    who: { $ref: '#/$defs/person' },
  },
  $defs: { person: { type: 'object', properties: { boss: { $ref: '#/$defs/person' } } } },
};

function tool(name: string, description = '', schema: object = { type: 'object' }): ScannedTool {
  return { name, description, inputSchema: readJson(JSON.stringify(schema), 0) };
}

function risk(of: Partial<ToolRisk>): ToolRisk {
  return {
    risk: 'Read',
    evidence: [],
    sensitive: false,
    secretArguments: [],
    unsure: false,
    step: false,
    takesToolName: false,
    ...of,
  };
}

const ROWS: readonly (readonly [ScannedTool, ToolRisk])[] = [
  [tool('list_issues', 'Lists issues. Slowly.', SCHEMA), risk({})],
  [tool('get_secret', 'Reads a secret.'), risk({ sensitive: true })],
  [tool('create_issue'), risk({ risk: 'Write' })],
  [tool('click'), risk({ risk: 'Write', step: true })],
  [tool('run_query'), risk({ risk: 'Execute', step: true })],
  [tool('deploy'), risk({ risk: 'Execute' })],
  [tool('transfer'), risk({ risk: 'Financial', money: { amount: 'args.amount', currency: 'args.currency' } })],
  [tool('delete_repo'), risk({ risk: 'Destructive' })],
  [
    tool('manage_label'),
    risk({ risk: 'Destructive', actions: { argument: 'action', reading: ['list', 'no'], all: ['list', 'no', 'delete'] } }),
  ],
  [tool('call_tool'), risk({ takesToolName: true })],
  [tool('sign', '', SCHEMA), risk({ risk: 'Write', sensitive: true, secretArguments: ['mnemonic', 'api_key'], unsure: true })],
];
const SERVER: ScannedServer = {
  info: { name: 'tracker', version: '1.2.3' },
  resources: true,
  prompts: false,
  tools: ROWS.map(([each]) => each),
};
const RISKS = ROWS.map(([, each]) => each);

function draft(preset: Preset, columns?: ReadonlyMap<string, Column>, server = SERVER, risks = RISKS) {
  return draftPolicy(server, risks, { name: 'tracker', preset, date: '2026-11-30', origin: {}, ...(columns && { columns }) });
}

/** The lines of an entry without its comments. */
function entry(text: string, name: string): string {
  const [, own = ''] = new RegExp(`\\n  ${name}:\\n((?: {4}.*\\n)*)`).exec(text) ?? [];
  return own.replace(/^ {4}/gm, '');
}

describe('a scaffold', () => {
  const { text } = draft('scaffold');

  test('lists every tool with nothing to check, grouped by class', () => {
    expect(text).toContain('\ndefault: allow\ntools:\n');
    for (const { name } of SERVER.tools) expect(entry(text, name)).toBe('rules: []\n');
    expect([...(text.match(/# --- \w+ ---/g) ?? [])]).toEqual(
      ['Read', 'Write', 'Financial', 'Execute', 'Destructive'].map((each) => `# --- ${each} ---`),
    );
    expect(text.indexOf('\n  get_secret:')).toBeLessThan(text.indexOf('# --- Write ---'));
  });

  test('says of each tool its first sentence, and its parameters with type and values', () => {
    expect(text).toContain(`
  # Lists issues.
  #   id (string, required)
  #   state (string, required): open, closed, "on"
  #   limit (integer|null)
  #   labels (array of string)
  #   who (object)
  list_issues:
    rules: []
`);
  });

  test('shows a limit on all tools together, which holds once its mark is taken away', async () => {
    const set = text.replace(/# ("\*":)\n {2}# ( {2}rules:)\n {2}# ( {4}- rate_limit: 60\/minute)/, '$1\n  $2\n  $3');
    const { policy } = await loadPolicyText(set);
    expect(policy?.everyTool?.rules).toHaveLength(1);
  });

  test('begins with where it came from, and how to edit, test and undo it', () => {
    expect(text).toStartWith(
      '# Policy "scaffold" for tracker 1.2.3, drafted by "intercept scan" on 2026-11-30\n# 11 tools: 2 Destructive, 1 Financial, 2 Execute, 3 Write, 3 Read\n#\n# Edit:',
    );
    expect(text).toMatch(/\n# Test: .*\n# Renew: .*\n# Undo: /);
  });
});

describe('suggested', () => {
  const { text } = draft('suggested');

  test.each([
    ['list_issues', '- rate_limit: 60/minute'],
    ['get_secret', '- action: require_approval'],
    ['create_issue', '- rate_limit: 30/hour'],
    ['click', '- rate_limit: 60/minute'],
    ['run_query', '- rate_limit: 30/minute\n    validate: {required_args: true}'],
    ['deploy', '- rate_limit: 10/hour\n    validate: {required_args: true}'],
    [
      'transfer',
      '- rate_limit: 10/hour\n  # To fill in, without the "# ":\n  # - spend: {per_call: 100, daily: 500, currency: usd, unit: major, from: args.amount}\n  # - conditions: [{path: args.currency, op: in, value: [usd]}]\n  - action: require_approval',
    ],
    ['delete_repo', '- action: deny\n    on_deny: "Destructive operation blocked by policy"'],
    [
      'manage_label',
      '- conditions: [{path: args.action, op: in, value: [list, "no"]}]\n    on_deny: "Only actions that read are permitted by policy"\n  - rate_limit: 60/minute',
    ],
    ['call_tool', '- action: deny\n    on_deny: "Tools that call other tools are blocked by policy"'],
  ])('%s', (name, rules) => {
    expect(entry(text, name)).toBe(`rules:\n  ${rules}\n`);
  });

  test('denies what it does not list, and requests that the server does not declare', () => {
    expect(text).toContain('\ndefault: deny\nmethods:\n  "resources/*": allow\n  "prompts/*": deny\n  "sampling/*": deny\ntools:\n');
    expect(text).toContain('\n  "*":\n    rules:\n      - rate_limit: 60/minute\n');
  });

  test('allows 300 calls a minute where half of the tools are one step of many', () => {
    const steps = ROWS.slice(3, 7);
    const { text: more } = draft(
      'suggested',
      undefined,
      { ...SERVER, tools: steps.map(([each]) => each) },
      steps.map(([, each]) => each),
    );
    expect(more).toContain('      - rate_limit: 300/minute\n');
  });

  test('what is to be filled in is a rule once its mark is taken away', async () => {
    const { policy, diagnostics } = await loadPolicyText(text.replace(/# (- (?:spend|conditions):)/g, '$1'));
    expect(diagnostics).toEqual([]);
    expect(policy?.exact.get('transfer')?.rules).toHaveLength(4);
  });

  test('names secret arguments that the audit would not mask', () => {
    expect(text).toContain(
      '\n  # Secret arguments that the audit does not mask (start intercept with --audit-args hash): mnemonic\n  sign:\n',
    );
    expect(text).toContain('\n  # Sensitive: it returns secrets.\n  get_secret:\n');
    expect(text).toContain('\n  # Unsure: nothing says what it does, so it is taken for Write.\n');
  });
});

test('read-only lists tools that only read; the others are comments, with the rules that one may open them by', async () => {
  const { text } = draft('read-only');
  const { policy } = await loadPolicyText(text);
  expect([...(policy?.exact.keys() ?? [])]).toEqual(['list_issues']);
  expect(text).toContain('\n  # create_issue:\n  #   rules:\n  #     - rate_limit: 30/hour\n');
});

test('strict limits what reads, lets a human decide on the rest, and hides what destroys', async () => {
  const { text } = draft('strict');
  expect(entry(text, 'list_issues')).toBe('rules:\n  - rate_limit: 60/minute\n');
  for (const name of ['get_secret', 'create_issue', 'sign']) expect(entry(text, name)).toBe('rules:\n  - action: require_approval\n');
  expect(text).toContain('\nhide:\n  - delete_repo\n  - manage_label\nmethods:\n  "resources/*": deny\n');
});

test('a person chooses for each tool', () => {
  const columns = new Map<string, Column>([
    ['list_issues', 'hide'],
    ['create_issue', 'allow'],
    ['transfer', 'limit'],
    ['deploy', 'approve'],
    ['delete_repo', 'approve'],
    ['click', 'deny'],
  ]);
  const { text } = draft('suggested', columns);
  expect(text).toContain('\nhide:\n  - list_issues\n');
  expect(entry(text, 'list_issues')).toBe('');
  expect(entry(text, 'create_issue')).toBe('rules: []\n');
  expect(entry(text, 'transfer')).toBe('rules:\n  - rate_limit: 10/hour\n');
  expect(entry(text, 'deploy')).toBe('rules:\n  - validate: {required_args: true}\n  - action: require_approval\n');
  expect(entry(text, 'delete_repo')).toBe('rules:\n  - action: require_approval\n');
  expect(entry(text, 'click')).toBe('rules:\n  - action: deny\n    on_deny: "Blocked by policy"\n');
});

test('the column of a draft without a choice, in few words', () => {
  expect(ROWS.map(([, each]) => suggestedColumn(each, 'suggested'))).toEqual([
    { column: 'limit', says: '60/minute' },
    { column: 'approve' },
    { column: 'limit', says: '30/hour' },
    { column: 'limit', says: '60/minute' },
    { column: 'limit', says: '30/minute' },
    { column: 'limit', says: '10/hour' },
    { column: 'approve', says: '10/hour' },
    { column: 'deny' },
    { column: 'limit', says: 'only action: list, no' },
    { column: 'deny' },
    { column: 'limit', says: '30/hour' },
  ]);
});

test.each(PRESETS.filter((preset) => preset !== 'scaffold'))('%s is valid without a warning', async (preset) => {
  for (const server of [SERVER, { ...SERVER, tools: [] }]) {
    const risks = server.tools.length === 0 ? [] : RISKS;
    expect((await loadPolicyText(draft(preset, undefined, server, risks).text)).diagnostics).toEqual([]);
  }
});

test('a header of its own stands in place of the usual one', () => {
  const { text } = draftPolicy(SERVER, RISKS, { name: 't', preset: 'strict', date: '', origin: {}, header: ['one', '', 'two\nthree'] });
  expect(text).toStartWith('# one\n#\n# two three\n\nversion: "1"\n');
});

describe('hostile servers', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '*',
      'a*b',
      '_global',
      '',
      ' ',
      '": {}',
      '#',
      '- a',
      '? a',
      '__proto__',
      'true',
      'No',
      '~',
      '1e3',
      '0x1',
      '010',
      '<<',
      '&a',
      '!t',
      'a: b',
      'a:',
      'a #',
      '---',
      '...',
      '%YAML',
      '\u202egnp',
      '\ud83d\ude00',
      '\ue000',
      '\u{e0041}',
      'a\nb',
      '\ufeffa',
      'x'.repeat(1024),
      'x'.repeat(1025),
      '\u0000'.repeat(300),
    ),
  );
  const description = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'a\n  evil:\n    rules: []',
      '# x',
      '--- Read ---',
      'evil:',
      'a\u2028evil: []',
      '\u0085x: y',
      '\u202ex',
      'a'.repeat(5000),
      'x\r# evil:\r',
    ),
  );
  const schema = fc.dictionary(odd, fc.oneof(fc.record({ type: odd, enum: fc.array(fc.jsonValue()) }), fc.jsonValue()), { maxKeys: 4 });
  const hostile = fc.record({ name: odd, description, schema, risk: fc.nat(ROWS.length - 1) });

  test('none of their texts adds, changes or takes away a rule, or shows as anything but itself', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { maxLength: 6 }), fc.constantFrom(...PRESETS), async (list, preset) => {
        const tools = list.map((each) => tool(each.name, each.description, { type: 'object', properties: each.schema }));
        const risks = list.map((each) => RISKS[each.risk] as ToolRisk);
        const server = { ...SERVER, info: { name: list[0]?.description ?? '', version: '\n' }, tools };
        const { text, leftOut } = draft(preset, undefined, server, risks);
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
        const { policy, diagnostics } = await loadPolicyText(text);
        expect(
          diagnostics.filter(({ severity, code }) => severity === 'error' || (preset !== 'scaffold' && code !== 'unanchored-regex')),
        ).toEqual([]);
        const listed = new Set([...(policy?.exact.keys() ?? []), ...leftOut.map(({ name }) => name)]);
        const closed = risks.filter((each) => suggestedColumn(each, preset).column === 'hide');
        if (closed.length === 0) expect(listed).toEqual(new Set(tools.map(({ name }) => name)));
        const bare = draft(preset, undefined, { ...server, tools: tools.map(({ name }) => ({ name })) }, risks).text;
        const rules = async (source: string) =>
          [...((await loadPolicyText(source)).policy?.exact.values() ?? [])].map(({ key, rules: own }) => [
            key,
            own.map(({ action }) => action),
          ]);
        expect((await rules(text)).length).toBe((await rules(bare)).length);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  test('10,000 tools with long texts make a policy that loads: first their parameters are left out, then the last tools', async () => {
    const many = (length: number) =>
      Array.from({ length: 10_000 }, (_, index) => tool(`t${index}`.padEnd(length, 'x'), 'long '.repeat(100), SCHEMA));
    const risks = many(1).map(() => RISKS[2] as ToolRisk);
    const { text, leftOut } = draft('suggested', undefined, { ...SERVER, tools: many(20) }, risks);
    const { policy, diagnostics } = await loadPolicyText(text);
    expect(diagnostics).toEqual([]);
    expect(policy?.exact.size).toBe(10_000);
    expect(leftOut).toEqual([]);
    const longer = draft('suggested', undefined, { ...SERVER, tools: many(200) }, risks);
    expect(longer.text.length).toBeLessThanOrEqual(1_000_000);
    expect(longer.leftOut.length).toBeGreaterThan(5_000);
    expect(longer.leftOut.at(-1)?.why).toBe('the policy would be over 1 MiB');
  }, 60_000);

  test('a schema that contains itself, and 5 MB of description', () => {
    const cycle = {
      type: 'object',
      properties: { a: { $ref: '#' }, b: { anyOf: [{ $ref: '#/properties/b' }, { $ref: '#/properties/b' }] } },
    };
    const { text } = draft('scaffold', undefined, { ...SERVER, tools: [tool('x', 'y'.repeat(5_000_000), cycle)] }, [risk({})]);
    expect(text).toContain(`  # ${'y'.repeat(199)}…\n  #   a (object)\n  #   b (any)\n  x:\n`);
  });
});
