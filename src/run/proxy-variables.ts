/** `HTTP_PROXY` and its like, which many programs go by and this one does not: what it says of that. */
import { isLoopback } from '../http/proxies.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A warning where one of them asks for a way to this server that is not taken. SECURITY: its value may hold a password, and is not said. */
export function proxyWarning({ protocol, hostname, port }: URL, env: Environment): string | undefined {
  const names =
    protocol === 'https:'
      ? ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']
      : ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
  const name = names.find((candidate) => env[candidate]);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (name === undefined || isLoopback(host) || isExcluded(host, port, env.no_proxy ?? env.NO_PROXY ?? '')) return undefined;
  return `${name} is set, and is not used: ${host} is connected to directly`;
}

/** Names stand for themselves and what ends with them. */
function isExcluded(host: string, port: string, list: string): boolean {
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '');
  return entries.some((entry) => {
    const name = entry.replace(/^\*?\./, '');
    return entry === '*' || [host, `${host}:${port}`].some((given) => given === name || given.endsWith(`.${name}`));
  });
}
