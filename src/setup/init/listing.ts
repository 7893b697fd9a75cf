/** The tools that servers last listed, kept in `<home>/tools` (cli.md §2): by name, for what a policy does not list yet. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { identityOf, type OriginalServer } from './coverage.ts';
import { hashOf } from './foreign.ts';

/** A file of 10,000 names of 1 KiB. */
const MOST_BYTES = 16 * 1024 ** 2;

/** Remembers them. What cannot be written is not remembered: the next scan will be. */
export function rememberTools(home: string, server: OriginalServer, tools: readonly string[], now: number): void {
  const path = pathOf(home, server);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    fs.mkdirSync(join(home, 'tools'), { recursive: true, mode: 0o700 });
    fs.writeFileSync(temporary, `${JSON.stringify({ at: new Date(now).toISOString(), tools })}\n`, { flag: 'wx', mode: 0o600 });
    fs.renameSync(temporary, path);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

/** The names that a server listed last; undefined where nothing is known. */
export function recallTools(home: string, server: OriginalServer): readonly string[] | undefined {
  try {
    const path = pathOf(home, server);
    if (fs.statSync(path).size > MOST_BYTES) return undefined;
    const { tools } = JSON.parse(fs.readFileSync(path, 'utf8')) as { readonly tools?: unknown };
    return Array.isArray(tools) ? tools.filter((name) => typeof name === 'string') : undefined;
  } catch {
    return undefined;
  }
}

function pathOf(home: string, server: OriginalServer): string {
  return join(home, 'tools', `${hashOf(Buffer.from(identityOf(server))).slice(0, 32)}.json`);
}
