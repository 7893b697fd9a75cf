/** setup.md §2 --update: a new scan is merged into an edited policy; what the author wrote stays byte for byte. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readJson } from '../../../src/mcp/json/values.ts';
import { loadPolicyText } from '../../../src/policy/load.ts';
import { draftPolicy } from '../../../src/setup/draft/draft.ts';
import { PRESETS, type Preset, type ScannedServer } from '../../../src/setup/draft/model.ts';
import { updatePolicy } from '../../../src/setup/draft/update.ts';
import { RISKS, type ScannedTool, type ToolRisk } from '../../../src/setup/risk/risk.ts';

const DATE = '2026-12-01';

/** A tool whose class is the first letter of its name. */
function tool(name: string, properties: object = {}): ScannedTool {
  return { name, description: `About ${name}.`, inputSchema: readJson(JSON.stringify({ type: 'object', properties }), 0) };
}

function risksOf(tools: readonly ScannedTool[]): readonly ToolRisk[] {
  const common = { evidence: [], sensitive: false, secretArguments: [], unsure: false, step: false, takesToolName: false };
  return tools.map(({ name }) => ({ ...common, risk: RISKS.find((risk) => name.startsWith(risk.charAt(0).toLowerCase())) ?? 'Write' }));
}

const server = (...tools: readonly ScannedTool[]): ScannedServer => ({ resources: false, prompts: false, tools });

function draft(preset: Preset, ...tools: readonly ScannedTool[]): string {
  return draftPolicy(server(...tools), risksOf(tools), { name: 's', preset, date: '2026-11-30', origin: {} }).text;
}

function update(text: string, tools: readonly ScannedTool[], preset?: Preset) {
  return updatePolicy(text, server(...tools), risksOf(tools), { preset, date: DATE });
}

/** True where all of the old text stands in the new one, in its order. */
function isWithin(old: string, merged: string): boolean {
  let at = 0;
  for (const line of old.split('\n')) {
    const found = merged.indexOf(line, at);
    if (found < 0) return false;
    at = found + line.length;
  }
  return true;
}

const BASE = [tool('r_list', { limit: { type: 'integer' } }), tool('w_make', { id: { type: 'string' } }), tool('w_edit')];

describe('a new tool', () => {
  test('is closed: under default deny a comment, at the end of its group', async () => {
    const before = draft('suggested', ...BASE, tool('d_drop'));
    const { text, added } = update(before, [...BASE, tool('d_drop'), tool('w_new', { a: { enum: ['x'] } })]);
    expect(added).toEqual([{ name: 'w_new', column: 'hide' }]);
    expect(text).toContain(`
  w_edit:
    rules:
      - rate_limit: 30/hour

  # new
  # About w_new.
  #   a (string): x
  # w_new:
  #   rules:
  #     - rate_limit: 30/hour

  # --- Destructive ---
`);
    expect((await loadPolicyText(text)).policy?.exact.has('w_new')).toBe(false);
    expect(isWithin(before, text)).toBe(true);
  });

  test('under default allow it is denied by a rule', async () => {
    const { text, added } = update(draft('scaffold', ...BASE), [...BASE, tool('w_new')]);
    expect(added).toEqual([{ name: 'w_new', column: 'deny' }]);
    expect(text).toEndWith(
      '\n  # new\n  # About w_new.\n  #   (no parameters)\n  w_new:\n    rules:\n      - action: deny\n        on_deny: "Blocked by policy"\n',
    );
    expect((await loadPolicyText(text)).policy?.exact.get('w_new')?.rules[0]?.action).toBe('deny');
  });

  test('with a preset it has the rules of its class; a class without a group stands at the end of the tools', () => {
    const { text, added } = update(draft('suggested', ...BASE), [...BASE, tool('f_pay')], 'suggested');
    expect(added).toEqual([{ name: 'f_pay', column: 'approve' }]);
    expect(text).toEndWith(
      '\n  # new\n  # About f_pay.\n  #   (no parameters)\n  f_pay:\n    rules:\n      - rate_limit: 10/hour\n      - action: require_approval\n',
    );
  });

  test('that a glob, "allow" or "hide" names is no new one', () => {
    const policy = 'version: "1"\nname: s\ndefault: deny\nmethods: deny\nallow: [r_list]\nhide: [w_make]\ntools:\n  w_e*: []\n';
    expect(update(policy, BASE)).toMatchObject({ text: policy, added: [], gone: [], changed: [], unknown: ['r_list', 'w_make', 'w_edit'] });
  });

  test.each([
    ['no tools', 'version: "1"\nname: s\ndefault: allow\n'],
    ['none written', 'version: "1"\nname: s\ndefault: allow\ntools:   {} # none\n'],
    ['none written, on Windows', '\ufeffversion: "1"\r\nname: s\r\ndefault: allow\r\ntools: {}\r\n'],
    ['tools in the middle', 'version: "1"\nname: s\ntools:\n    a: [] # mine\n    # also mine\n\n# about the default\ndefault: allow'],
    [
      'a text that looks like a group',
      'version: "1"\nname: s\ndescription: |\n  # --- Write ---\ndefault: allow\ntools:\n  a:\n    - on_deny: |\n        # --- Write ---\n        # w_make:\n      action: deny',
    ],
  ])('%s: it is added, and nothing else changes', async (_, policy) => {
    const { text, added } = update(policy, [tool('w_make'), tool('a')]);
    expect(added.map(({ name }) => name)).toContain('w_make');
    const { policy: merged, diagnostics } = await loadPolicyText(text);
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(merged?.exact.has('w_make')).toBe(true);
    expect(isWithin(policy.replace(/ *\{\}/, ''), text)).toBe(true);
    if (policy.includes('\r')) expect(text.replaceAll('\r\n', '')).not.toContain('\n');
  });

  test('cannot be added within braces', () => {
    expect(() => update('version: "1"\ntools: {a: []}\n', [tool('a'), tool('b')])).toThrow('written in { }');
  });
});

describe('a tool that the policy knows', () => {
  test('is named where it is gone, and stays', () => {
    const before = draft('read-only', ...BASE);
    expect(update(before, [tool('w_make', { id: { type: 'string' } })])).toMatchObject({
      text: before,
      gone: ['w_edit', 'r_list'],
      added: [],
    });
  });

  test('is named where its parameters changed; the next scan knows that', () => {
    const before = draft('suggested', ...BASE);
    const after = [tool('r_list', { limit: { type: 'string' }, page: { type: 'integer' } }), tool('w_make'), BASE[2] as ScannedTool];
    const { text, changed } = update(before, after);
    expect(changed).toEqual([
      { name: 'r_list', parameters: ['limit (string)', 'page (integer)'] },
      { name: 'w_make', parameters: ['id gone'] },
    ]);
    expect(text).toContain(`  #   limit (integer)\n  # changed ${DATE}:\n  #   limit (string)\n  #   page (integer)\n  r_list:\n`);
    expect(isWithin(before, text)).toBe(true);
    expect(update(text, after)).toMatchObject({ text, changed: [], unknown: [] });
    expect(update(text, BASE).changed).toEqual([
      { name: 'r_list', parameters: ['limit (integer)', 'page gone'] },
      { name: 'w_make', parameters: ['id (string)'] },
    ]);
  });

  test('whose comments are gone: not known', () => {
    const before = draft('suggested', ...BASE).replace(/^ *# {3}limit.*\n/m, '');
    expect(update(before, BASE)).toMatchObject({ text: before, changed: [], unknown: ['r_list'] });
  });

  test('a closed entry tells what it takes as an open one does, also where no blank line is left', () => {
    const before = draft('read-only', ...BASE).replace(/\n\n( {2}#)/g, '\n$1');
    const { changed, added } = update(before, [BASE[0] as ScannedTool, BASE[1] as ScannedTool, tool('w_edit', { b: { type: 'string' } })]);
    expect(changed).toEqual([{ name: 'w_edit', parameters: ['b (string)'] }]);
    expect(added).toEqual([]);
  });
});

test('whatever an author did to it, and whatever the server became: his lines stay, his rules mean the same, and a second update adds nothing', async () => {
  const names = ['r_a', 'w_b', 'x.y', 'on', 'Wörter', 'f_d', 'd_e', ': {}', 'a"b', 'e_f', '\u202e'];
  const schema = fc.dictionary(
    fc.constantFrom('a', 'b c', '\u0007', 'z'.repeat(220)),
    fc.record({ type: fc.constantFrom('string', 'integer') }),
    { maxKeys: 3 },
  );
  const tools = fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), schema }), { selector: ({ name }) => name });
  const edit = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => text.replaceAll('\n', '\r\n'),
    (text) => text.trimEnd(),
    (text) => text.replaceAll('\n\n', '\n'),
    (text) => text.replace(/ {4}rules: \[\]/, '    rules: [{action: deny}] # mine'),
    (text) => text.replace(/^ {2}# ---.*\n/gm, ''),
    (text) => text.replace(/^tools:$/m, '# mine\ntools:  # mine, too'),
    (text) => text.replaceAll('\n  ', '\n    '),
    (text) => `${text}\n# the end\napprovals:\n  default_timeout: 5m\n`,
  );
  await fc.assert(
    fc.asyncProperty(
      tools,
      tools,
      fc.constantFrom(...PRESETS),
      fc.option(fc.constantFrom(...PRESETS), { nil: undefined }),
      edit,
      async (old, now, preset, by, change) => {
        const made = (list: typeof old) => list.map(({ name, schema: own }) => tool(name, own));
        const before = change(draft(preset, ...made(old)));
        const loaded = await loadPolicyText(before);
        fc.pre(loaded.policy !== undefined);
        const merged = update(before, made(now), by);
        expect(isWithin(before.replace('tools: {}', 'tools:'), merged.text)).toBe(true);
        const { policy, diagnostics } = await loadPolicyText(merged.text);
        expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
        for (const [key, { rules }] of loaded.policy?.exact ?? []) {
          expect(policy?.exact.get(key)?.rules.map(({ action, label }) => [action, label])).toEqual(
            rules.map(({ action, label }) => [action, label]),
          );
        }
        if (preset !== 'scaffold' && by === undefined) expect(policy?.exact.size).toBe(loaded.policy?.exact.size as number);
        const again = update(merged.text, made(now), by);
        expect(again).toMatchObject({ text: merged.text, added: [], changed: [] });
      },
    ),
    { numRuns: 300 },
  );
}, 120_000);
