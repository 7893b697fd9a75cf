/** Starts a server as its client would, and asks for what it has (setup.md §3.2). */
import { delimiter, isAbsolute } from 'node:path';
import type { Remote } from '../../serve/options.ts';
import type { ServerStart } from '../clients/start.ts';
import type { ScannedServer } from '../draft/model.ts';
import { scanServer } from '../scan.ts';
import type { AskedServer } from '../server-tools.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export type ScanOutcome =
  | { readonly kind: 'scanned'; readonly scanned: ScannedServer }
  | { readonly kind: 'login' | 'failed'; readonly why: string };

export interface ScanningOptions {
  readonly env: Environment;
  readonly timeout: number;
  /** The folder of a server whose entry names none. */
  readonly cwd?: string;
  /** Intercept itself is started: it gets its home. */
  readonly keepsHome?: boolean;
  /** Makes of an address and headers what the bridge takes. Throws `UsageError`. */
  remoteOf(url: string, headers: Readonly<Record<string, string>>): Remote;
}

/** Scans one server. Never rejects. */
export async function scanStart(start: ServerStart, options: ScanningOptions): Promise<ScanOutcome> {
  if (start.kind === 'unknown') return { kind: 'failed', why: start.why };
  if (start.kind === 'asks') return { kind: 'failed', why: `it asks for ${start.ids.map((id) => JSON.stringify(id)).join(', ')}` };
  try {
    const own = asClientsHave(options.env);
    const env = start.kind === 'local' ? { ...own, ...start.env } : own;
    return { kind: 'scanned', scanned: await scanServer(askedOf(start, options), env, { timeout: options.timeout }) };
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replace(/^the server's tools are not known: /, '');
    return { kind: LOGIN.test(why) ? 'login' : 'failed', why };
  }
}

/** Folders that npm puts before all others: of the project that one happens to be in, and of what it has just fetched. */
const NPM_FOLDER = /[\\/](?:node_modules[\\/]\.bin|node-gyp-bin)[\\/]?$/;

/**
 * The environment without what npm adds for a program that it starts. SECURITY: else, run by npx in a project, the
 * project's `node_modules/.bin/uvx` and its `.npmrc` would decide what is started for the person's own servers.
 */
export function asClientsHave(env: Environment): Environment {
  const kept = Object.entries(env).filter(([name]) => !/^npm_|^INIT_CWD$/i.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, /^PATH$/i.test(name) ? withoutNpm(value ?? '') : value]));
}

function withoutNpm(path: string): string {
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && !NPM_FOLDER.test(folder))
    .join(delimiter);
}

const LOGIN = /\b(?:401|log ?in|unauthori[sz]ed|OAuth)\b/i;

function askedOf(start: Exclude<ServerStart, { kind: 'asks' | 'unknown' }>, { remoteOf, keepsHome, cwd }: ScanningOptions): AskedServer {
  if (start.kind === 'remote') return { command: undefined, remote: remoteOf(start.url, start.headers) };
  const command = [start.command, ...start.args];
  return { command, remote: undefined, cwd: start.cwd ?? cwd, ...(keepsHome ? { keepsHome } : {}) };
}
