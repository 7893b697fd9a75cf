/** Records what servers list: from an answer in a file, or by installing and starting the package. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isArray, isObject, type Json } from '../../src/core/json.ts';
import { readJson } from '../../src/mcp/json/values.ts';
import type { ScannedServer } from '../../src/setup/draft/draft.ts';
import { readSource } from '../../src/setup/library/folders.ts';
import { type LibraryRow, recordServer, renderRecorded } from '../../src/setup/library/rows.ts';
import { classifyTools, type ScannedTool } from '../../src/setup/risk/risk.ts';
import { scanServer } from '../../src/setup/scan.ts';
import { withInstalled } from './install.ts';

/** A server has so long to start and answer, ms. */
const PATIENCE = 60_000;

/** Records the answers of a server: its capabilities and all its tools. */
export function recordAnswers(root: string, row: LibraryRow, folder: string): void {
  const file = join(folder, `${row.id}.json`);
  const answer = readJson(readFileSync(file, 'utf8'));
  if (!isObject(answer)) throw new TypeError(`${row.id}: the answer is no object`);
  const capabilities = answer.get('capabilities') ?? null;
  const has = (name: string) => isObject(capabilities) && capabilities.has(name);
  const tools = answer.get('tools') ?? null;
  const scanned = { resources: has('resources'), prompts: has('prompts'), tools: isArray(tools) ? tools.flatMap(readTool) : [] };
  // The server said so when the file was written.
  write(root, row, scanned, statSync(file).mtime);
}

function readTool(tool: Json): readonly ScannedTool[] {
  if (!isObject(tool)) return [];
  const [name, description] = [tool.get('name'), tool.get('description')];
  const [inputSchema, annotations] = [tool.get('inputSchema'), tool.get('annotations')];
  if (typeof name !== 'string') return [];
  return [
    {
      name,
      ...(typeof description === 'string' ? { description } : {}),
      ...(inputSchema === undefined ? {} : { inputSchema }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  ];
}

/** Installs the package, starts it, and records what it lists. Says which tools are no longer there: some want a client that can more. */
export async function recordScan(root: string, row: LibraryRow): Promise<void> {
  const before = readSource(root, row).recorded.tools.map(({ definition }) => definition.name);
  await withInstalled(row, async (command, env) => {
    const scanned = await scanServer({ command, remote: undefined }, env, { timeout: PATIENCE });
    const names = new Set(scanned.tools.map(({ name }) => name));
    const gone = before.filter((name) => !names.has(name));
    if (gone.length > 0) console.log(`${row.id}: no longer listed: ${gone.join(', ')}`);
    write(root, row, scanned, new Date());
  });
}

function write(root: string, row: LibraryRow, scanned: ScannedServer, at: Date): void {
  const recorded = recordServer(row, scanned, classifyTools(scanned.tools), at.toISOString().slice(0, 10));
  writeFileSync(join(root, `library/tools/${row.id}.json`), renderRecorded(recorded));
  console.log(`${row.id}: ${recorded.tools.length} tools`);
}
