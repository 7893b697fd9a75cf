/** The library as it travels: packed, opened, searched by a server's command, and fitted to what a scan saw. */
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { validateText } from '../../../src/authoring/validate.ts';
import { fromPlain } from '../../../src/mcp/json/values.ts';
import type { DraftOptions, ScannedServer } from '../../../src/setup/draft/draft.ts';
import { draftFromLibrary, renamePolicy } from '../../../src/setup/library/adapt.ts';
import { hashDefinition } from '../../../src/setup/library/definition.ts';
import { openFolders, readRows, readSource } from '../../../src/setup/library/folders.ts';
import { ARCHIVE, openLibrary, packLibrary } from '../../../src/setup/library/library.ts';
import { matchCommand } from '../../../src/setup/library/match.ts';
import type { LibraryEntry, PolicyLibrary } from '../../../src/setup/library/shape.ts';
import { classifyTools, type ScannedTool } from '../../../src/setup/risk/risk.ts';
import { ROOT } from '../../harness/paths.ts';

const LIBRARY = openFolders(ROOT);

describe('the archive', () => {
  const folder = mkdtempSync(join(tmpdir(), 'intercept-archive-'));
  test('has what the folders have', () => {
    const few: PolicyLibrary = { ...LIBRARY, entries: LIBRARY.entries.filter((_, index) => index % 40 === 0) };
    writeFileSync(join(folder, ARCHIVE), packLibrary(few));
    const opened = openLibrary(folder);
    expect(opened.entries).toEqual(few.entries);
    for (const entry of few.entries)
      for (const level of ['suggested', 'read-only'] as const) expect(opened.policyOf(entry, level)).toBe(few.policyOf(entry, level));
    expect(opened.find('nothing')).toBeUndefined();
    rmSync(folder, { recursive: true });
  });
  test('is missed where it is not', () => {
    expect(() => openLibrary(folder)).toThrow(/^the policy library is missing: .*library\.br does not exist$/);
  });
});

describe('a command', () => {
  const match = (command: string, env = {}) => matchCommand(LIBRARY.entries, command.split(' '), env);
  test('of any entry finds that entry', () => {
    for (const { id, command } of LIBRARY.entries) {
      const found = matchCommand(LIBRARY.entries, command);
      expect([id, found.kind === 'found' && found.entry.id, found.kind === 'found' && found.isSameStart]).toEqual([id, id, true]);
    }
  });
  test('says where version or arguments differ', () => {
    const made = LIBRARY.find('airtable')?.version;
    expect(match(`npx airtable-mcp-server@${made}`)).toMatchObject({ entry: { id: 'airtable' }, isSameVersion: true, isSameStart: true });
    expect(match('npx -y airtable-mcp-server --x')).toMatchObject({ entry: { id: 'airtable' }, isSameVersion: false, isSameStart: false });
  });
  test('of one package with several ways to start takes the policy that was made for the way', () => {
    expect(match('npx -y @azure/mcp@latest server start --mode all')).toMatchObject({ entry: { id: 'azure-all' }, isSameStart: true });
    expect(match('npx -y @azure/mcp@latest server start')).toMatchObject({ entry: { id: 'azure' }, isSameStart: true });
    expect(match('npx -y @azure/mcp@latest server start --x')).toMatchObject({ entry: { id: 'azure' }, isSameStart: false });
  });
  test('of another program of the package, or from elsewhere, finds nothing', () => {
    expect(match('npx -y -p airtable-mcp-server other')).toEqual({ kind: 'none', why: 'there is no policy for airtable-mcp-server' });
    expect(match('npx -y airtable-mcp-server', { npm_config_registry: 'https://example.com' })).toMatchObject({ kind: 'none' });
    expect(match('npx -y airtable-mcp-server2')).toEqual({ kind: 'none', why: 'there is no policy for airtable-mcp-server2' });
  });
});

const PAY: ScannedTool = {
  name: 'create_payment',
  description: 'Charges a customer.',
  inputSchema: fromPlain({ type: 'object', properties: { amount: { type: 'integer' } }, required: ['amount'] }),
};
const LIST: ScannedTool = { name: 'list_payments', description: 'Lists payments.', inputSchema: fromPlain({ type: 'object' }) };
const GONE: ScannedTool = { name: 'get_payment', inputSchema: fromPlain({ type: 'object' }) };
const RULES = `version: "1"
name: shop
default: deny
currencies: [usd]
tools:
  "*":
    rules:
      - rate_limit: 7/minute
  # In cents.
  create_payment:
    rules:
      - conditions: [{path: args.amount, op: lte, value: 5000}]
  list_payments:
    rules:
      - rate_limit: 5/minute
  get_payment:
    rules:
      - rate_limit: 5/minute
`;

function libraryOf(tools: readonly ScannedTool[]): { readonly library: PolicyLibrary; readonly entry: LibraryEntry } {
  const risks = classifyTools(tools);
  const entry = {
    ...{ id: 'shop', title: 'Shop', registry: 'npm', package: 'shop', version: '1.0.0', command: ['npx', 'shop'], env: [] },
    ...{ homepage: '', license: '', tags: [], note: '', scanned: '2026-11-30', isSharp: true },
    tools: tools.map((tool, index) => ({ name: tool.name, risk: risks[index]?.risk, sensitive: false, hash: hashDefinition(tool) })),
  } as LibraryEntry;
  return { entry, library: { entries: [entry], find: () => entry, policyOf: () => RULES } };
}

describe('a policy for what a scan saw', () => {
  const { library, entry } = libraryOf([PAY, LIST, GONE]);
  const options: DraftOptions = { name: 'pay', preset: 'suggested', date: '2026-11-30', origin: {} };
  const draft = (tools: readonly ScannedTool[], more: Partial<DraftOptions> = {}) => {
    const server: ScannedServer = { resources: false, prompts: false, tools };
    const drafted = draftFromLibrary(library, entry, server, classifyTools(tools), { ...options, ...more });
    return { ...drafted, policy: parse(drafted.text) };
  };
  const cents = [{ conditions: [{ path: 'args.amount', op: 'lte', value: 5000 }] }];

  test('takes the rules of tools that are as they were recorded', () => {
    const { policy, text, taken, onlyInLibrary, onlyOnServer, changed } = draft([LIST, PAY]);
    expect(policy.tools.create_payment.rules).toEqual(cents);
    expect(policy.tools.list_payments.rules).toEqual([{ rate_limit: '5/minute' }]);
    expect(policy.tools['*'].rules).toEqual([{ rate_limit: '7/minute' }]);
    expect(policy).toMatchObject({ name: 'pay', default: 'deny', currencies: ['usd'] });
    expect(policy.tools.get_payment).toBeUndefined();
    expect(text).toContain('  # In cents.\n  create_payment:\n');
    expect({ taken, onlyInLibrary, onlyOnServer, changed }).toEqual({
      taken: ['list_payments', 'create_payment'],
      onlyInLibrary: ['get_payment'],
      onlyOnServer: [],
      changed: [],
    });
  });

  test('of a server that is as it was recorded has all rules of the library, and is valid', async () => {
    for (const id of ['stripe', 'filesystem', 'github', 'azure', 'everything', 'pare-python']) {
      const row = readRows(ROOT).find((each) => each.id === id);
      const whole = LIBRARY.find(id);
      if (!row || !whole) throw new Error(id);
      const { tools, resources, prompts } = readSource(ROOT, row).recorded;
      const server = { resources, prompts, tools: tools.map(({ definition }) => definition) };
      const risks = tools.map(({ risk }) => risk);
      const drafted = draftFromLibrary(LIBRARY, whole, server, risks, { ...options, name: 'mine' });
      expect(drafted.taken).toHaveLength(tools.length);
      expect(drafted.text).toContain(`# ${tools.length} tools have the rules of the library's "${id}", made for ${row.package}`);
      expect(parse(drafted.text)).toEqual({ ...parse(LIBRARY.policyOf(whole, 'suggested')), name: 'mine' });
      const listed = tools.map(({ definition: { name, inputSchema } }) => ({ name, definition: '', inputSchema }));
      const validated = await validateText('p.yaml', { kind: 'text', text: drafted.text }, listed);
      expect(validated).toMatchObject({ kind: 'read', diagnostics: [] });
    }
  });

  test('drafts what is new, and what is another tool by now', () => {
    const more = { ...PAY, inputSchema: fromPlain({ type: 'object', properties: { amount: { type: 'string' } }, required: ['amount'] }) };
    const { policy, taken, onlyOnServer, changed } = draft([more, { ...LIST, name: 'list_refunds' }]);
    expect(policy.tools.create_payment.rules).not.toEqual(cents);
    expect(policy.tools.list_refunds).toBeDefined();
    expect({ taken, onlyOnServer, changed }).toEqual({ taken: [], onlyOnServer: ['list_refunds'], changed: ['create_payment'] });
    expect(policy.currencies).toBeUndefined();
  });

  test('drafts a tool whose texts say that it is worse than it was', () => {
    const worse = { ...LIST, description: 'Lists payments. Then purchases a number, which is billed.' };
    expect(draft([worse, PAY]).taken).toEqual(['create_payment']);
  });

  test('leaves tools to the person who chose for them, and presets that the library has not to the scan', () => {
    const { policy, taken } = draft([LIST, PAY], { columns: new Map([['create_payment', 'deny']]) });
    expect(taken).toEqual(['list_payments']);
    expect(policy.tools.create_payment.rules).toMatchObject([{ action: 'deny' }]);
    expect(draft([LIST, PAY], { preset: 'strict' }).taken).toEqual([]);
  });

  test('takes another name where nobody scanned', () => {
    expect(parse(renamePolicy(RULES, 'my-"shop"')).name).toBe('my-"shop"');
  });
});
