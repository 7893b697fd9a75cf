/** The tables of the papers are those of the code: nothing is missing, nothing is left over, and each says the same. */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../src/cli/program.ts';
import { REASONS } from '../../src/core/codes.ts';
import { EXIT } from '../../src/core/fault.ts';
import { isCounterOperator, OPERATORS } from '../../src/core/operators.ts';
import { DIAGNOSTICS } from '../../src/policy/codes.ts';
import { POLICY, RULE_KEYS } from '../../src/policy/format/format.ts';
import { ROOT } from '../harness/paths.ts';
import { keysAfter, PAGES, proseOf, readPage, tableAfter } from './markdown.ts';

const HELP: Readonly<Record<string, string>> = Object.fromEntries(
  COMMANDS.map(({ name, help, pages }) => [name, [help, ...Object.values(pages ?? {})].join('\n')]),
);

const ERRORS = 'docs/errors.md';
const POLICY_PAGE = 'docs/policy.md';

test('errors.md lists every reason code as the code has it', () => {
  const rows = Object.entries(REASONS).map(([code, { retryable, about }]) => [`\`${code}\``, retryable ? 'yes' : 'no', about]);
  expect(tableAfter(ERRORS, 'reasons')).toEqual(rows);
});

for (const severity of ['error', 'warning'] as const) {
  test(`errors.md lists every ${severity} of a policy as the code has it`, () => {
    const kinds = Object.entries(DIAGNOSTICS).filter(([, kind]) => kind.severity === severity);
    expect(tableAfter(ERRORS, `diagnostic-${severity}s`)).toEqual(kinds.map(([code, { about }]) => [`\`${code}\``, about]));
  });
}

test('errors.md lists every reason to refuse a message with its code', () => {
  const source = readFileSync(join(ROOT, 'src/mcp/messages/refusal.ts'), 'utf8');
  const codes = /const CODES = \{([^}]*)\}/.exec(source)?.[1] ?? '';
  const reading = [...codes.matchAll(/(\w+): (-\d+)/g)].map(([, reason, code]) => [`\`${reason}\``, code]);
  const found = readFileSync(join(ROOT, 'src/proxy/frames/route.ts'), 'utf8').matchAll(/(?:refused\(|reason: )'(\w+)'/g);
  const routing = [...new Set([...found].map(([, reason]) => `\`${reason}\``))];
  const rows = tableAfter(ERRORS, 'refusals').map(([reason, code]) => [reason, code]);
  expect(reading.length).toBeGreaterThan(10);
  expect(rows.slice(0, reading.length)).toEqual(reading);
  const known = reading.map(([reason]) => reason);
  expect(rows.slice(reading.length).map(([reason]) => reason)).toEqual(routing.filter((reason) => !known.includes(reason)));
});

test('errors.md lists every JSON-RPC error that is answered', () => {
  const written = ['src/proxy', 'src/mcp'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => readFileSync(join(ROOT, folder, name), 'utf8').match(/(?<!')-32\d{3}\b/g) ?? []),
  );
  expect([...keysAfter(ERRORS, 'json-rpc')].sort()).toEqual([...new Set(written)].sort());
});

test('errors.md lists every exit status', () => {
  expect(keysAfter(ERRORS, 'exit')).toEqual(Object.values(EXIT).map(String));
});

for (const page of PAGES) {
  test(`${page}: each row of a table has as many cells as its head`, () => {
    const tables = proseOf(page)
      .split(/\n(?!\|)/)
      .map((part) => part.split('\n').filter((line) => line.startsWith('|')));
    for (const [head = '', ...rows] of tables) for (const row of rows) expect([row, cellsOf(row)]).toEqual([row, cellsOf(head)]);
  });
}

/** A bar inside of code or behind a backslash begins no cell. */
function cellsOf(row: string): number {
  return row.replace(/\\\|/g, '').split('|').length - 2;
}

test('policy.md lists every key and operator', () => {
  if (POLICY.kind !== 'map') throw new Error('a policy is a map');
  const approvals = POLICY.keys.approvals?.shape;
  if (approvals?.kind !== 'map') throw new Error('approvals are a map');
  expect(keysAfter(POLICY_PAGE, 'policy')).toEqual(Object.keys(POLICY.keys));
  expect(keysAfter(POLICY_PAGE, 'rule')).toEqual(Object.keys(RULE_KEYS));
  expect(keysAfter(POLICY_PAGE, 'approvals')).toEqual(Object.keys(approvals.keys));
  expect(keysAfter(POLICY_PAGE, 'operators')).toEqual(Object.keys(OPERATORS));
  const ofState = /On `state` paths: (.*), with numbers/.exec(readPage(POLICY_PAGE))?.[1];
  expect(ofState?.replaceAll('`', '').split(', ')).toEqual(Object.keys(OPERATORS).filter(isCounterOperator));
});

test('policy.md says which actions take a clause', () => {
  for (const [key = '', on] of tableAfter(POLICY_PAGE, 'rule')) {
    const takes = RULE_KEYS[key.replaceAll('`', '')]?.on;
    if (on !== '') expect(`${key} ${on}`).toBe(`${key} ${takes?.join(', ') ?? 'all'}`);
  }
});

for (const [command, help] of Object.entries(HELP)) {
  test(`cli.md lists the flags of "${command}", and no others`, () => {
    const shown = help.replace(/^(Example|Commands|Usage| {8,}--).*$/gm, '').match(/(?<![\w-])--[a-z][a-z-]*/g) ?? [];
    const listed = keysAfter('docs/cli.md', command).flatMap((key) => key.match(/--[a-z-]+/g) ?? []);
    expect(listed.toSorted()).toEqual([...new Set(shown)].toSorted());
  });
}
