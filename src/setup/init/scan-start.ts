/** Starts a server as its client would, and asks for what it has (setup.md §3.2). */
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
    const env = start.kind === 'local' ? { ...options.env, ...start.env } : options.env;
    return { kind: 'scanned', scanned: await scanServer(askedOf(start, options), env, { timeout: options.timeout }) };
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replace(/^the server's tools are not known: /, '');
    return { kind: LOGIN.test(why) ? 'login' : 'failed', why };
  }
}

const LOGIN = /\b(?:401|log ?in|unauthori[sz]ed|OAuth)\b/i;

function askedOf(start: Exclude<ServerStart, { kind: 'asks' | 'unknown' }>, { remoteOf, keepsHome, cwd }: ScanningOptions): AskedServer {
  if (start.kind === 'remote') return { command: undefined, remote: remoteOf(start.url, start.headers) };
  const command = [start.command, ...start.args];
  return { command, remote: undefined, cwd: start.cwd ?? cwd, ...(keepsHome ? { keepsHome } : {}) };
}
