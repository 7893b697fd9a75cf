/** Intercept in front of a server, each with a folder, a policy file and an INTERCEPT_HOME of its own. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditRecord, auditRecords, untilRecords } from './audit.ts';
import { openClient, type RawClient, type SpawnOptions } from './client.ts';
import { interceptCommand, temporaryFolder } from './paths.ts';

export const ALLOW_ALL = 'version: "1"\n';

export interface ProxyOptions extends SpawnOptions {
  /** The policy's YAML text. */
  readonly policy: string;
  /** The server's command; left out where `flags` name an upstream. */
  readonly server?: readonly string[] | undefined;
  /** Flags before the `--`. */
  readonly flags?: readonly string[] | undefined;
  /** The home of another proxy, to share its state; else a new one. */
  readonly home?: string | undefined;
}

export interface Setup {
  /** The temporary folder of this proxy; the caller may put files there. */
  readonly folder: string;
  readonly home: string;
  readonly policyFile: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  remove(): Promise<void>;
}

/** Writes the files of a proxy and says how to start it: for SDK clients, which spawn it themselves. */
export async function setUpProxy(options: ProxyOptions): Promise<Setup> {
  const { path: folder, remove } = await temporaryFolder();
  const home = options.home ?? join(folder, 'home');
  const policyFile = join(folder, 'policy.yaml');
  await mkdir(home, { recursive: true });
  await writeFile(policyFile, options.policy);
  const tail = options.server ? ['--', ...options.server] : [];
  const command = [...interceptCommand(), '-c', policyFile, ...(options.flags ?? []), ...tail];
  return { folder, home, policyFile, command, env: { ...options.env, INTERCEPT_HOME: home }, remove };
}

export interface Proxy extends Setup {
  readonly client: RawClient;
  records(): Promise<AuditRecord[]>;
  untilRecords(what: string, enough: (records: readonly AuditRecord[]) => boolean): Promise<AuditRecord[]>;
  /** Replaces the policy file in one step, as editors do. */
  edit(policy: string): Promise<void>;
  /** Ends the proxy and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts the proxy with a raw client on its downstream side. Use with `await using`. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const setup = await setUpProxy(options);
  const client = openClient(setup.command, { ...options, env: setup.env });
  return {
    ...setup,
    client,
    records: () => auditRecords(setup.home),
    untilRecords: (what, enough) => untilRecords(setup.home, what, enough),
    edit: (policy) => replaceFile(setup.policyFile, policy),
    [Symbol.asyncDispose]: async () => {
      await client.close().catch(() => undefined);
      await setup.remove();
    },
  };
}

async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** A server without a proxy, with the same life cycle. */
export function startServer(server: readonly string[], options: SpawnOptions = {}): RawClient & AsyncDisposable {
  const client = openClient(server, options);
  return { ...client, [Symbol.asyncDispose]: async () => void (await client.close().catch(() => undefined)) };
}
