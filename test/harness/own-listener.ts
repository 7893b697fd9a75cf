/** The listener in the test's own process, whose clock the test moves: all its parts are real. */

import { type ProxyFlags, parseProxyOptions } from '../../src/cli/declare/proxy.ts';
import { listenBefore, listenBeforeCommand } from '../../src/serve/listener/listener.ts';
import { type Options, openRig, type Rig } from '../proxy/fixture.ts';
import { beatingEvery } from './ticker.ts';
import { until } from './wait.ts';

export interface OwnListener {
  /** Where MCP is spoken. */
  readonly url: string;
  readonly rig: Rig;
  /** Moves the clock; what is due then is done within a second. */
  advance(ms: number): void;
  [Symbol.asyncDispose](): Promise<void>;
}

type Before = { readonly command: readonly string[] } | { readonly upstream: string };

/** Starts it before a command or a remote server. Use with `await using`, and one at a time: it ends as if the process were told to. */
export async function listenHere(before: Before, flags: Partial<ProxyFlags> = {}, more: Options = {}): Promise<OwnListener> {
  const rig = await openRig({ approvalWait: flags.approvalWait ?? 0, ...more });
  let shift = 0;
  const ports = { ...rig.ports, monotonic: () => performance.now() + shift };
  const upstream = 'upstream' in before ? { upstream: before.upstream } : {};
  const options = parseProxyOptions({ config: 'policy.yaml', transport: 'http', ...upstream, ...flags }, {});
  const { listen, remote } = options;
  if (!listen) throw new Error('it does not listen');
  const listening = { ports, served: rig.served, options, listen, every: beatingEvery() };
  const sessions = await ('command' in before
    ? listenBeforeCommand(before.command, process.env as Record<string, string>, listening)
    : listenBefore(remote as NonNullable<typeof remote>, listening));
  const said = rig.logged.find((line) => line.startsWith('listening on '));
  const url = /http:\S+\/mcp/.exec(said ?? '')?.[0] ?? '';
  return {
    url,
    rig,
    advance(ms) {
      shift += ms;
      rig.advance(ms);
    },
    async [Symbol.asyncDispose]() {
      // The second one ends what still runs.
      process.emit('SIGTERM', 'SIGTERM');
      process.emit('SIGTERM', 'SIGTERM');
      await sessions.ended;
      await until('its port to be free', async () => (await fetch(url).catch(() => undefined)) === undefined || undefined);
    },
  };
}
