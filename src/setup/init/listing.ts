/** The tools that servers last listed, kept in `<home>/tools` (cli.md §2): names, for what a policy does not list yet, and their classes. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { RISKS, type Risk } from '../risk/risk.ts';
import { identityOf, type OriginalServer } from './coverage.ts';
import { hashOf } from './foreign.ts';

/** A file of 10,000 names of 1 KiB. */
const MOST_BYTES = 16 * 1024 ** 2;

/** A tool by its name and class. */
export interface ListedClass {
  readonly name: string;
  readonly risk: Risk;
}

/** Remembers them. What cannot be written is not remembered: the next scan will be. */
export function rememberTools(home: string, server: OriginalServer, tools: readonly ListedClass[], now: number): void {
  const path = pathOf(home, server);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    fs.mkdirSync(join(home, 'tools'), { recursive: true, mode: 0o700 });
    const [names, classes] = [tools.map(({ name }) => name), tools.map(({ risk }) => risk)];
    const listed = { at: new Date(now).toISOString(), tools: names, classes };
    fs.writeFileSync(temporary, `${JSON.stringify(listed)}\n`, { flag: 'wx', mode: 0o600 });
    fs.renameSync(temporary, path);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

/** The names that a server listed last; undefined where nothing is known. */
export function recallTools(home: string, server: OriginalServer): readonly string[] | undefined {
  return textsIn(recall(home, server)?.tools);
}

/** The classes of the tools that it listed last; undefined where they are not known. */
export function recallClasses(home: string, server: OriginalServer): readonly Risk[] | undefined {
  const { tools, classes } = recall(home, server) ?? {};
  const [names, risks] = [textsIn(tools), textsIn(classes)?.map((each) => RISKS.find((risk) => risk === each))];
  if (!names || names.length !== risks?.length) return undefined;
  const known = risks.filter((risk) => risk !== undefined);
  return known.length === names.length ? known : undefined;
}

function recall(home: string, server: OriginalServer): { readonly tools?: unknown; readonly classes?: unknown } | undefined {
  try {
    const path = pathOf(home, server);
    if (fs.statSync(path).size > MOST_BYTES) return undefined;
    const listed: unknown = JSON.parse(fs.readFileSync(path, 'utf8'));
    return typeof listed === 'object' && listed !== null ? listed : undefined;
  } catch {
    return undefined;
  }
}

function textsIn(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined;
}

function pathOf(home: string, server: OriginalServer): string {
  return join(home, 'tools', `${hashOf(Buffer.from(identityOf(server))).slice(0, 32)}.json`);
}
