/**
 * `npm run library`: writes the policies and docs/policies.md from library/ (setup.md §4).
 *
 *     npm run library [-- ID…]              all of them, or these
 *     npm run library -- --check            says what differs, and fails
 *     npm run library -- --scan ID…         first renews these lists: installs the package, starts it with the row's environment
 *     npm run library -- --from FOLDER      first renews all lists from answers of servers in FOLDER/<id>.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readRows } from '../src/setup/library/folders.ts';
import { ROOT } from './build/paths.ts';
import { filesOf, strayFiles } from './library/files.ts';
import { recordAnswers, recordScan } from './library/record.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean' }, scan: { type: 'boolean' }, from: { type: 'string' } },
});

const rows = readRows(ROOT);
for (const id of positionals) if (!rows.some((row) => row.id === id)) throw new Error(`library/servers.jsonl has no "${id}"`);
const chosen = positionals.length === 0 ? rows : rows.filter(({ id }) => positionals.includes(id));
if (values.from !== undefined) for (const row of chosen) recordAnswers(ROOT, row, values.from);
if (values.scan) for (const row of chosen) await recordScan(ROOT, row);

const made = await filesOf(ROOT, positionals.length === 0 ? undefined : chosen);
const changed = made.filter(({ path, text }) => readOld(path) !== text);
const stray = strayFiles(ROOT, rows);
if (values.check) {
  for (const { path } of changed) console.error(`${path} is not what its sources give`);
  for (const path of stray) console.error(`${path} belongs to no server`);
  if (changed.length + stray.length > 0) throw new Error('write them with "npm run library"');
} else {
  for (const { path, text } of changed) writeFileSync(path, text);
  for (const path of stray) console.error(`${path} belongs to no server: remove it`);
}
console.log(`${made.length} files, ${changed.length} changed`);

function readOld(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
