/** The policies of the library: made from the recorded lists, valid against them without a warning, and nobody else's text in them. */
import { beforeAll, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, strayFiles } from '../../../scripts/library/files.ts';
import { findTestFiles, runTestFiles } from '../../../src/authoring/test/suite.ts';
import { validateText } from '../../../src/authoring/validate.ts';
import { isArray, isObject, type Json } from '../../../src/core/json.ts';
import { openFolders, policyPath, readRows, readSource } from '../../../src/setup/library/folders.ts';
import { type LibrarySource, makePolicy } from '../../../src/setup/library/make.ts';
import { toolsIn } from '../../../src/setup/library/merge.ts';
import { ROOT } from '../../harness/paths.ts';

const ROWS = readRows(ROOT);
const USABLE = ROWS.filter(({ excluded }) => excluded === undefined);
const SOURCES: LibrarySource[] = [];
beforeAll(() => {
  SOURCES.push(...USABLE.map((row) => readSource(ROOT, row)));
});

test('there are policies for more than 300 servers, and a reason where there is none', () => {
  expect(USABLE.length).toBeGreaterThan(300);
  expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
  expect(ROWS.map(({ id }) => id)).toEqual(ROWS.map(({ id }) => id).toSorted());
  expect(ROWS.filter(({ id, excluded }) => !/^[a-z0-9-]{1,64}$/.test(id) || excluded === '')).toEqual([]);
});

test('every file is what the sources give, and none is left over ("npm run library" writes them)', async () => {
  const made = await filesOf(ROOT);
  const changed = made.filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
  expect(changed.map(({ path }) => path)).toEqual([]);
  expect(strayFiles(ROOT, ROWS)).toEqual([]);
}, 120_000);

for (const level of ['suggested', 'read-only'] as const) {
  test(`every ${level} policy is valid without a warning against the tools that were recorded`, async () => {
    const found: string[] = [];
    for (const source of SOURCES) {
      const tools = source.recorded.tools.map(({ definition: { name, inputSchema } }) => ({ name, definition: '', inputSchema }));
      const validated = await validateText(source.row.id, { kind: 'text', text: makePolicy(source, level) }, tools);
      const diagnostics = validated.kind === 'read' ? validated.diagnostics : [{ message: validated.why, position: { line: 0 } }];
      found.push(...diagnostics.map(({ message, position: { line } }) => `${source.row.id}:${line}: ${message}`));
    }
    expect(found).toEqual([]);
  }, 120_000);
}

test('every tool of a server is listed, and none that it lacks', () => {
  for (const { row, recorded } of SOURCES) {
    const listed = toolsIn(readFileSync(policyPath(ROOT, row.id), 'utf8')).filter((name) => name !== '*');
    expect([row.id, listed.toSorted()]).toEqual([row.id, recorded.tools.map(({ definition }) => definition.name).toSorted()]);
  }
});

test('read-only lists tools that read, and no other', () => {
  for (const source of SOURCES) {
    const readers = source.recorded.tools.filter(({ risk }) => risk.risk === 'Read').map(({ definition }) => definition.name);
    const { rules, denied } = rulesIn(makePolicy(source, 'read-only'));
    expect([source.row.id, rules.filter((name) => !readers.includes(name) && !denied.includes(name))]).toEqual([source.row.id, []]);
  }
});

/** The tools of a policy, and those that it always denies. */
function rulesIn(policy: string): { readonly rules: readonly string[]; readonly denied: readonly string[] } {
  const { tools = {}, hide = [] } = Bun.YAML.parse(policy) as {
    readonly tools?: Readonly<Record<string, { readonly rules: readonly { readonly action?: string; readonly when?: unknown }[] }>>;
    readonly hide?: readonly string[];
  };
  const rules = Object.keys(tools).filter((name) => name !== '*');
  return { rules, denied: rules.filter((name) => hide.includes(name) || tools[name]?.rules.some(({ action }) => action === 'deny')) };
}

const MEMBERS =
  'name class evidence sensitive secretArguments returnsSecrets unsure step takesToolName actions money annotations inputSchema';
const KEYWORDS =
  'type enum required const $ref properties patternProperties $defs definitions dependentRequired dependentSchemas additionalProperties items prefixItems anyOf oneOf allOf not if then else';
const NAMED = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];
/** The reasons for a class are words and names; a text of the server's would be longer. */
const LONGEST_REASON = 80;

test('no text of a server is recorded: names, types, requirements and values, and the words that decided on the class', () => {
  for (const { row, recorded } of SOURCES) {
    for (const { definition, risk } of recorded.tools) {
      expect([row.id, definition.name, ...strangeKeywords(definition.inputSchema ?? null)]).toEqual([row.id, definition.name]);
      expect(risk.evidence.filter(({ says }) => says.length > LONGEST_REASON)).toEqual([]);
    }
    const lines = readFileSync(join(ROOT, `library/tools/${row.id}.json`), 'utf8')
      .split('\n')
      .slice(1, -2);
    for (const line of lines) {
      const members = Object.keys(JSON.parse(line.replace(/,$/, '')));
      expect(members.filter((member) => !MEMBERS.split(' ').includes(member))).toEqual([]);
    }
  }
});

function strangeKeywords(schema: Json): readonly string[] {
  if (isArray(schema)) return schema.flatMap(strangeKeywords);
  if (!isObject(schema)) return [];
  return [...schema].flatMap(([keyword, value]) => {
    if (!KEYWORDS.split(' ').includes(keyword)) return [keyword];
    if (NAMED.includes(keyword)) return isObject(value) ? [...value.values()].flatMap(strangeKeywords) : [];
    return ['enum', 'const', 'required', 'type', 'dependentRequired'].includes(keyword) ? [] : strangeKeywords(value);
  });
}

test('the tests of the policies pass', async () => {
  const run = await runTestFiles(findTestFiles([join(ROOT, 'policies')]));
  expect([run.diagnostics, run.unreadable]).toEqual([[], []]);
  const failed = run.files.flatMap(({ file, cases }) =>
    cases.filter(({ status }) => status !== 'passed').map(({ name }) => `${file}: ${name}`),
  );
  expect(failed).toEqual([]);
}, 120_000);

test('the folders are a library: each entry has its policy on both levels', () => {
  const { entries, find, policyOf } = openFolders(ROOT);
  expect(entries.map(({ id }) => id)).toEqual(USABLE.map(({ id }) => id));
  const stripe = find('stripe');
  if (!stripe) throw new Error('no stripe');
  expect(policyOf(stripe, 'suggested')).toContain('\nname: stripe\n');
  expect(policyOf(stripe, 'read-only')).toContain('read-only: tools that read are listed');
  expect(find('nothing')).toBeUndefined();
});
