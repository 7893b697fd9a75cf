/** Connections to the upstream: kept for the next request, as many at once as there are requests. */
import { Agent, type RequestOptions } from 'node:http';
import { Agent as SecureAgent } from 'node:https';

export interface Agents {
  readonly options: RequestOptions;
  close(): void;
}

/** Opens the connections' keeper for the scheme of `url`. */
export function openAgents(url: URL): Agents {
  const kept = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 256 };
  const agent = url.protocol === 'https:' ? new SecureAgent(kept) : new Agent(kept);
  return { options: { agent }, close: () => agent.destroy() };
}
