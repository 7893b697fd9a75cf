/** docs/audit.md against what a proxy writes: every field has its line, and the chain is checked as it says. */
import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../harness/audit.ts';
import { BUN, interceptCommand, ROOT } from '../harness/paths.ts';
import { startProxy } from '../harness/proxy.ts';
import { blocksOf, filesOf, keysAfter, readPage } from './markdown.ts';

const PAGE = 'docs/audit.md';
const SERVER = [BUN, join(ROOT, 'examples/server.ts')];
const TABLES = ['tool_call', 'outcome', 'request', 'refused', 'approval_requested', 'startup'];

test('audit.md names every field of every record, and the chain is checked as it says', async () => {
  const policy = filesOf('README.md').get('policy.yaml') ?? '';
  await using proxy = await startProxy({ policy, server: SERVER, flags: ['--agent', 'refunds-bot'] });
  const { client } = proxy;
  await client.initialize();
  const refund = (amount: number) => client.request('tools/call', { name: 'create_refund', arguments: { charge: 'ch_1', amount } });
  await client.request('tools/call', { name: 'list_customers', arguments: { limit: 10 } });
  const answers = [];
  for (const amount of [2500, 60000, 25000, 25000]) answers.push(await refund(amount));
  expectAsShown(answers[1]?.result);
  await client.request('resources/read', { uri: 'file:///etc/hosts' });
  client.sendLine('{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}');
  await client.next((frame) => frame.json?.error !== undefined);
  const edited = `${policy}\n# edited`;
  await proxy.edit(edited);
  await proxy.untilRecords('the edited policy', (all) => all.some(({ type }) => type === 'config_reload'));
  await client.close();
  for (const line of shownLines()) expect(withoutIds(client.stderr())).toContain(line);
  const records = await proxy.records();
  for (const record of records) expectDocumented(record);
  const startup = records.find(({ type }) => type === 'startup') ?? {};
  expect([...keysAfter(PAGE, 'record common'), ...keysAfter(PAGE, 'record startup')].toSorted()).toEqual(Object.keys(startup).toSorted());
  const seen = new Set(records.map(({ type }) => type));
  expect(TABLES.filter((type) => !seen.has(type))).toEqual([]);
  expectRead(proxy.home);
  expectVerified(proxy.home);
});

test('audit.md names every field that a record can have', () => {
  const source = readFileSync(join(ROOT, 'src/audit/record.ts'), 'utf8');
  const written = [...source.matchAll(/[{,]"(\w+)":/g)].map(([, name = '']) => name);
  const page = readPage(PAGE);
  expect(written.length).toBeGreaterThan(15);
  expect(written.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

function expectDocumented(record: AuditRecord): void {
  const type = record.type === 'approval_reused' ? 'approval_requested' : record.type;
  const own = TABLES.includes(type) ? keysAfter(PAGE, `record ${type}`) : othersOf(readPage(PAGE));
  const known = [...keysAfter(PAGE, 'record common'), ...own];
  expect({ type, unknown: Object.keys(record).filter((field) => !known.includes(field)) }).toEqual({ type, unknown: [] });
  expect(readPage(PAGE)).toMatch(new RegExp(`(\`|### .*)${record.type}`));
}

function othersOf(page: string): readonly string[] {
  const [, section = ''] = page.split('### The others');
  return [...(section.split('\n## ')[0] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
}

/** What the README says an agent sees of a denial. */
function expectAsShown(result: unknown): void {
  const shown = blocksOf('README.md').find(({ text }) => text.includes('"isError"'));
  expect(result).toEqual(JSON.parse(shown?.text ?? ''));
}

/** The lines of stderr in README and page. */
function shownLines(): readonly string[] {
  const blocks = ['README.md', PAGE].flatMap(blocksOf).filter(({ language }) => language === 'text');
  const lines = blocks.flatMap(({ text }) => withoutIds(text).match(/^\[INTERCEPT\] .*$/gm) ?? []);
  expect(lines.length).toBe(6);
  return lines;
}

function withoutIds(text: string): string {
  return text.replace(/apr_[a-z0-9]+/g, 'apr_');
}

/** The log has the lines of the page, but for their times. */
function expectRead(home: string): void {
  const [example = ''] = blocksOf(PAGE).flatMap(({ text }) => (text.startsWith('$ intercept log --since') ? [text] : []));
  const [command = '', ...lines] = example.trim().split('\n');
  const [intercept = '', ...args] = interceptCommand();
  const flags = command.split(' ').slice(2);
  const { stdout } = spawnSync(intercept, [...args, ...flags], { encoding: 'utf8', env: { ...process.env, INTERCEPT_HOME: home } });
  for (const line of lines) expect(stdout).toContain(line.replace(/^\S+Z/, ''));
}

/** The command that the page names finds the files intact, and one with a changed line broken at the next. */
function expectVerified(home: string): void {
  const [name = ''] = readdirSync(join(home, 'events'));
  const file = join(home, 'events', name);
  const [command = '', ...args] = interceptCommand();
  const check = () => spawnSync(command, [...args, 'log', '--verify'], { encoding: 'utf8', env: { ...process.env, INTERCEPT_HOME: home } });
  const [intact, broken] = blocksOf(PAGE).flatMap(({ text }) => text.match(/^(intact|broken): .*$/gm) ?? []);
  expect(alike(check().stdout.trim())).toBe(alike(intact ?? ''));
  writeFileSync(file, readFileSync(file, 'utf8').replace('"amount":2500', '"amount":2501'));
  const { stdout, status } = check();
  expect({ status, line: alike(stdout.split('\n')[0] ?? '') }).toEqual({ status: 1, line: alike(broken ?? '') });
}

/** Without what differs from one home to another. */
function alike(line: string): string {
  return line
    .replace(/"\/.*"/, '…')
    .replace(/[\dT]\S*\.jsonl:\d+/, '…')
    .replace(/\d+ (record|chain|file)s?/g, '$1');
}
