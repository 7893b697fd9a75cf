/** The proxy's flags, parsed (cli.md §1). Times in ms, sizes in bytes. */
import { join, resolve } from 'node:path';
import type { LogLevel } from '../audit/sinks/log.ts';
import { UsageError } from '../core/fault.ts';
import { interceptHome } from '../run/home.ts';
import { type ListenFlags, type ListenOptions, parseListen } from './listen-options.ts';
import { parseRemote, type Remote, type RemoteFlags } from './remote-options.ts';

export interface ProxyOptions {
  readonly config: string;
  readonly shadow: boolean;
  readonly agent: string | undefined;
  readonly stateDir: string;
  readonly statePrefix: string | undefined;
  readonly stateFailMode: 'closed' | 'open';
  readonly stateTimeout: number;
  /** What stored results of idempotent calls may take together. */
  readonly maxState: number;
  readonly upstreamTimeout: number;
  readonly approvalWait: number;
  readonly maxMessage: number;
  readonly logLevel: LogLevel;
  readonly auditArgs: 'redacted' | 'full' | 'hash';
  readonly auditRetention: number;
  readonly allowSelf: boolean;
  readonly enableAdminApi: boolean;
  /** 0: any that is free. */
  readonly adminPort: number;
  /** `INTERCEPT_HOME`, else `~/.intercept`. */
  readonly home: string;
  /** The server over HTTP; undefined where it is a child process. */
  readonly remote: Remote | undefined;
  /** Where agents are listened to; undefined for one agent on stdio. */
  readonly listen: ListenOptions | undefined;
}

/** Exit statuses (cli.md §1). */
export const EXIT = { done: 0, failed: 1, usage: 2, invalidPolicy: 3, found: 4 } as const;

/** The flags as the parser gives them: those that were not written are undefined. */
type OwnFlags = Exclude<keyof ProxyOptions, 'home' | 'remote' | 'listen'>;
export type ProxyFlags = { readonly [K in OwnFlags]?: ProxyOptions[K] } & RemoteFlags & ListenFlags;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where state is kept: `--state-dir`, else `state` in the home. */
export function stateFolder(stateDir: string | undefined, env: Environment): string {
  return stateDir === undefined ? join(interceptHome(env), 'state') : resolve(stateDir);
}

/** Fills in what was not written. */
export function parseProxyOptions(flags: ProxyFlags, env: Environment): ProxyOptions {
  if (flags.config === undefined) throw new UsageError('no policy', 'name it with "-c policy.yaml"');
  return {
    config: flags.config,
    shadow: flags.shadow ?? false,
    agent: flags.agent,
    stateDir: stateFolder(flags.stateDir, env),
    statePrefix: flags.statePrefix,
    stateFailMode: flags.stateFailMode ?? 'closed',
    stateTimeout: flags.stateTimeout ?? 250,
    maxState: flags.maxState ?? 256 * 1024 ** 2,
    upstreamTimeout: flags.upstreamTimeout ?? 0,
    approvalWait: flags.approvalWait ?? 0,
    maxMessage: flags.maxMessage ?? 10 * 1024 ** 2,
    logLevel: flags.logLevel ?? 'info',
    auditArgs: flags.auditArgs ?? 'redacted',
    auditRetention: flags.auditRetention ?? 30 * 86_400_000,
    allowSelf: flags.allowSelf ?? false,
    enableAdminApi: flags.enableAdminApi ?? false,
    adminPort: flags.adminPort ?? 0,
    home: interceptHome(env),
    remote: parseRemote(flags, env),
    listen: parseListen(listenFlags(flags), env),
  };
}

function listenFlags({
  transport,
  bind,
  port,
  publicUrl,
  allowHost,
  allowOrigin,
  tokenEnv,
  passHeader,
  preserveHost,
  maxSessions,
}: ListenFlags): ListenFlags {
  const all = { transport, bind, port, publicUrl, allowHost, allowOrigin, tokenEnv, passHeader, preserveHost, maxSessions };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
