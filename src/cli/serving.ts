/** Which shape this proxy has (wire.md §1): how agents reach it, and how it reaches the server. */
import type { ProxyDeps } from '../proxy/deps.ts';
import { StartError, startChild } from '../transport/child.ts';
import type { ProxyOptions } from './options.ts';
import type { Served } from './served.ts';
import { serveStdio } from './stdio-session.ts';

interface Opening {
  readonly deps: ProxyDeps;
  readonly options: ProxyOptions;
  /** The server's command; empty where it is reached over HTTP. */
  readonly command: readonly string[];
  /** What a server of ours gets of the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Opens what carries the sessions. Rejects with `StartError`. What a plain proxy does not need is not loaded. */
export async function openServing(opening: Opening): Promise<Served> {
  const { deps, options, command, env } = opening;
  if (options.listen) throw new StartError('--transport http is not available yet');
  if (options.remote) {
    const { serveBridge } = await import('./bridge-session.ts');
    return serveBridge({ deps, remote: options.remote, maxMessage: options.maxMessage });
  }
  const [program = '', ...args] = command;
  return serveStdio({ deps, child: await startChild(program, args, env), maxMessage: options.maxMessage });
}
