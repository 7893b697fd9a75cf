/** What a person wrote stands in the policy as it was written; the rest of the policy stays as it was. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { mergePolicy, toolsIn } from '../../../src/setup/library/merge.ts';

const POLICY = `# A header
version: "1"
name: shop
default: deny

methods: deny

tools:
  # Destructive
  drop:
    rules:
      - action: deny

  # Financial
  # name: "pay"
  pay:
    rules:
      - action: require_approval
        # spend: to fill in

  "odd: name":
    rules: []
  "*":
    rules:
      - rate_limit: 60/minute
# the end
`;

test('an entry takes the place of its like, with the comments above it', () => {
  const sharp = `# A note for maintainers.

tools:
  # In cents.
  pay:
    rules:
      - rate_limit: 3/hour # few

      # a person above
      - action: require_approval
  'odd: name':
    rules: [{ action: deny }]
`;
  const { text, unknown } = mergePolicy(POLICY, sharp);
  expect(unknown).toEqual([]);
  expect(text).toBe(
    POLICY.replace(
      '  pay:\n    rules:\n      - action: require_approval\n        # spend: to fill in\n',
      '  # In cents.\n  pay:\n    rules:\n      - rate_limit: 3/hour # few\n\n      # a person above\n      - action: require_approval\n',
    ).replace('  "odd: name":\n    rules: []\n', "  'odd: name':\n    rules: [{ action: deny }]\n"),
  );
});

test('other keys take the place of their like, or stand before the tools', () => {
  const sharp = '# who reads\nmethods:\n  resources/*: allow\n# money\ncurrencies: [usd]\nversion: "1"\nname: other\n';
  const money = POLICY.replace('tools:\n', '# money\ncurrencies: [usd]\ntools:\n');
  expect(mergePolicy(POLICY, sharp).text).toBe(money.replace('methods: deny\n', '# who reads\nmethods:\n  resources/*: allow\n'));
  expect(mergePolicy(POLICY, sharp, { keepsKeys: true }).text).toBe(money);
});

test('only the tools that are asked for are taken, and the rule for all', () => {
  const sharp = 'tools:\n  pay:\n    rules: []\n  drop:\n    rules: []\n  "*":\n    rules:\n      - rate_limit: 5/minute\n';
  const { text } = mergePolicy(POLICY, sharp, { takes: (tool) => tool === 'drop' });
  expect(text).toBe(
    POLICY.replace('  drop:\n    rules:\n      - action: deny\n', '  drop:\n    rules: []\n').replace('60/minute', '5/minute'),
  );
});

test('a tool that the policy does not list is named, and not added', () => {
  const { text, unknown } = mergePolicy(POLICY, 'tools:\n  pya:\n    rules: []\n');
  expect(unknown).toEqual(['pya']);
  expect(text).toBe(POLICY);
});

test('the rule for all is added where the policy has none', () => {
  const { text } = mergePolicy('tools:\n  a:\n    rules: []\n', 'tools:\n  "*":\n    rules:\n      - rate_limit: 5/minute\n');
  expect(parse(text)).toEqual({ tools: { '*': { rules: [{ rate_limit: '5/minute' }] }, a: { rules: [] } } });
});

const name = fc.stringMatching(/^[a-z][a-z0-9 :#_.-]{0,8}[a-z]$/);
const entry = fc.record({ rules: fc.array(fc.record({ action: fc.constantFrom('allow', 'deny') }), { maxLength: 2 }), gap: fc.boolean() });
const tools = fc.dictionary(name, entry, { maxKeys: 6 });

function render(entries: Record<string, { rules: readonly { action: string }[]; gap: boolean }>): string {
  const lines = Object.entries(entries).map(([tool, { rules, gap }]) => {
    const body = rules.length === 0 ? ' []' : rules.map(({ action }) => `\n      # so\n      - action: ${action}`).join(gap ? '\n' : '');
    return `  # ${tool}\n  ${JSON.stringify(tool)}:\n    rules:${body}\n${gap ? '\n' : ''}`;
  });
  return `version: "1"\n${lines.length === 0 ? '' : 'tools:\n'}${lines.join('')}`;
}

test('merged text means what both say, and merging nothing or the same is the identity', () => {
  fc.assert(
    fc.property(tools, tools, (own, other) => {
      const [policy, fragment] = [render(own), render(other)];
      expect(mergePolicy(policy, policy).text).toBe(policy);
      expect(mergePolicy(policy, 'version: "1"\n').text).toBe(policy);
      const { text, unknown } = mergePolicy(policy, fragment);
      expect(toolsIn(text)).toEqual(Object.keys(own));
      const rulesOf = (tool: string) => (Object.hasOwn(other, tool) ? other[tool] : own[tool])?.rules;
      expect(parse(text).tools ?? {}).toEqual(Object.fromEntries(Object.keys(own).map((tool) => [tool, { rules: rulesOf(tool) }])));
      expect(unknown).toEqual(Object.keys(other).filter((tool) => !Object.hasOwn(own, tool)));
    }),
  );
});
