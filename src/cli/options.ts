/** The proxy's flags, parsed (cli.md §1). Times in ms, sizes in bytes. */

import { UsageError } from '../core/fault.ts';
import { interceptHome, stateLocation } from '../run/home.ts';
import type { RunOptions } from '../run/proxy.ts';
import { type ListenFlags, parseListen } from './listen-options.ts';
import { parseRemote, type RemoteFlags } from './remote-options.ts';

/** The flags as the parser gives them: those that were not written are undefined. */
type OwnFlags = Exclude<keyof RunOptions, 'home' | 'state' | 'remote' | 'listen'>;
export type ProxyFlags = { readonly [K in OwnFlags]?: RunOptions[K] } & { readonly stateDir?: string } & RemoteFlags & ListenFlags;

type Environment = Readonly<Record<string, string | undefined>>;

/** Fills in what was not written. */
export function parseProxyOptions(flags: ProxyFlags, env: Environment): RunOptions {
  if (flags.config === undefined) throw new UsageError('no policy', 'name it with "-c policy.yaml"');
  return {
    config: flags.config,
    shadow: flags.shadow ?? false,
    agent: flags.agent,
    state: stateLocation(flags.stateDir, env),
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
