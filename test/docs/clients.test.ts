/** The clients, files and variables that docs/clients.md names are those of the table; its examples are what is written. */
import { expect, test } from 'bun:test';
import type { ClientRow, FileRow, Path } from '../../src/setup/clients/rows/row.ts';
import { CLIENTS } from '../../src/setup/clients/table.ts';
import type { Front } from '../../src/setup/clients/types.ts';
import { planBridge, planWrap } from '../../src/setup/clients/wrap.ts';
import { blocksOf, keysAfter, tableAfter } from './markdown.ts';

const PAGE = 'docs/clients.md';
const FRONT: Front = {
  program: '/home/me/.intercept/bin/intercept',
  before: [],
  policy: '/home/me/.intercept/policies/stripe.yaml',
  agent: 'claude-code',
  env: {},
};

test('each client is there, with its files and what it needs after a change', () => {
  const rows = CLIENTS.map((client) => [`${client.name}, \`${client.id}\``, filesOf(client, false), filesOf(client, true), client.next]);
  const missing = rows.filter((row) => !tableAfter(PAGE, 'clients').some((known) => known.join('|') === row.join('|')));
  expect(missing.map((row) => `| ${row.join(' | ')} |`)).toEqual([]);
  expect(tableAfter(PAGE, 'clients')).toHaveLength(rows.length);
});

test('each variable that moves a file is there', () => {
  const text = JSON.stringify(CLIENTS.map(({ files }) => files));
  const names = new Set([...text.matchAll(/\$\{([A-Z_]+)[:}]/g)].map(([, name = '']) => name).filter((name) => !/APPDATA|^XDG/.test(name)));
  expect([...keysAfter(PAGE, 'client-variables')].sort()).toEqual([...names].sort());
});

test('the examples of an entry before and after are what is written', () => {
  const blocks = blocksOf(PAGE)
    .filter(({ language }) => language === 'json' || language === 'text')
    .map(({ text }) => text.trimEnd());
  const at = ['mcpServers', 'stripe'];
  for (const plan of [planWrap, planBridge]) {
    const tried = blocks.map((text) =>
      plan({ bytes: new TextEncoder().encode(text), format: 'json' }, { name: 'stripe', at, shape: 'claude' }, FRONT),
    );
    const written = tried.flatMap((rewrite) => (rewrite.kind === 'rewrite' ? [new TextDecoder().decode(rewrite.bytes)] : []));
    expect(written).toHaveLength(1);
    expect(blocks).toContain(written[0] ?? '');
  }
});

/** Files in one cell of the table. */
const MOST = 3;

function filesOf({ files }: ClientRow, isProject: boolean): string {
  const rows = files.filter(
    ({ scope, isOlder }) => !isOlder && (isProject ? scope === 'project' : scope === 'user' || scope === 'profile'),
  );
  const paths = [...new Set(rows.map(({ path }: FileRow) => `\`${shown(path)}\``))];
  return [...paths.slice(0, MOST), ...(paths.length > MOST ? ['…'] : [])].join(' ') || '–';
}

/** A path as a person writes it: without the variables that may move it. */
function shown(path: Path): string {
  const text = typeof path === 'string' ? path : (path.linux ?? path.darwin ?? path.win32 ?? '');
  const plain = text.replace(/\$\{(\w+):-([^${}]*)\}/g, (_, name: string, other: string) =>
    name === 'APPDATA' || name === 'LOCALAPPDATA' ? `%${name}%` : other,
  );
  const next = plain.replace(/^P\//, '').replace(/^XDG\//, '~/.config/');
  return next === text ? next.replace(/^\$\{(\w+)\}/, '$$$1') : shown(next);
}
