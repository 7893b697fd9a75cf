/** Which shape this proxy has (wire.md §1): how agents reach it, and how it reaches the server. */
import type { Every } from '../core/ticker.ts';
import type { Client, Ports, Served } from '../engine/ports.ts';
import { startChild } from '../process/child.ts';
import type { ProxyOptions } from '../serve/options.ts';
import { serveStdio } from '../serve/stdio/stdio-session.ts';
import type { Transport } from '../serve/transport.ts';

interface Opening {
  readonly ports: Ports;
  readonly served: Served;
  /** Who is served over stdio; behind a listener there are many. */
  readonly client: Client;
  readonly options: ProxyOptions;
  /** The server's command; empty where it is reached over HTTP. */
  readonly command: readonly string[];
  /** What a server of ours gets of the environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly every: Every;
}

/** Opens what carries the sessions. Rejects with `StartError`. What a plain proxy does not need is not loaded. */
export async function openServing(opening: Opening): Promise<Transport> {
  const { ports, served, client, options, command, env, every } = opening;
  const { listen, remote } = options;
  if (listen && remote)
    return (await import('../serve/listener/listener.ts')).listenBefore(remote, { ports, served, options, listen, every });
  if (listen)
    return (await import('../serve/listener/listener.ts')).listenBeforeCommand(command, env, { ports, served, options, listen, every });
  if (remote)
    return (await import('../serve/bridge/bridge-session.ts')).serveBridge({
      ports,
      served,
      client,
      remote,
      maxMessage: options.maxMessage,
      every,
    });
  const [program = '', ...args] = command;
  return serveStdio({ ports, served, client, child: await startChild(program, args, env), maxMessage: options.maxMessage, every });
}
