/** Explains to the operator what a 401 of the upstream asks for (RFC 9728, RFC 6750). */
import type { HttpClient } from '../../http/client.ts';
import { openHttpClient } from '../../http/client.ts';
import { peek, readBody } from './read-answer.ts';

const MAX_METADATA = 64 * 1024;
const PATIENCE = 5_000;
const MAX_SERVERS = 5;

/** Lines that say what to do. `hasToken`: an `Authorization` header was sent and not accepted. Never rejects. */
export async function explainUnauthorized(wwwAuthenticate: string, { url }: HttpClient, hasToken: boolean): Promise<readonly string[]> {
  const place = `${url.origin}${url.pathname}`;
  const servers = await authorizationServers(wwwAuthenticate, url).catch(() => []);
  const from = servers.length > 0 ? ` from ${servers.join(' or ')}` : '';
  const scope = parameter(wwwAuthenticate, 'scope');
  const asked = scope === undefined ? '' : `, for the scope ${JSON.stringify(scope)}`;
  return [
    hasToken
      ? `the server at ${place} does not accept the Authorization header that was sent (401): the token may have expired, or be another server's`
      : `the server at ${place} asks for authorization (401)`,
    `get an access token${from}${asked}, put "Bearer TOKEN" into an environment variable, and name it with --header-env Authorization=VARIABLE`,
  ];
}

/** Finds the servers that issue tokens in the resource's own metadata. SECURITY: these are asked for on the upstream's origin alone, and without credentials. */
async function authorizationServers(wwwAuthenticate: string, url: URL): Promise<readonly string[]> {
  const named = parameter(wwwAuthenticate, 'resource_metadata');
  const places = [
    named,
    `/.well-known/oauth-protected-resource${url.pathname === '/' ? '' : url.pathname}`,
    '/.well-known/oauth-protected-resource',
  ];
  for (const place of places) {
    const metadata = place === undefined ? null : URL.parse(place, url);
    const servers = metadata?.origin === url.origin ? await readServers(metadata) : [];
    if (servers.length > 0) return servers;
  }
  return named === undefined ? [] : [`the authorization server that ${shown(named)} names`];
}

async function readServers(metadata: URL): Promise<readonly string[]> {
  // A relative URL inherits the user and password of the upstream's URL.
  Object.assign(metadata, { username: '', password: '' });
  const client = openHttpClient(metadata, {});
  try {
    const answer = await client.send({ method: 'GET', headers: { accept: 'application/json' }, signal: AbortSignal.timeout(PATIENCE) });
    const body = answer.status === 200 ? await readBody(answer, MAX_METADATA) : undefined;
    answer.discard();
    const { authorization_servers: servers } = ((body && peek(body)) ?? {}) as { authorization_servers?: unknown };
    return Array.isArray(servers)
      ? servers
          .filter((server) => typeof server === 'string')
          .slice(0, MAX_SERVERS)
          .map(shown)
      : [];
  } catch {
    return [];
  } finally {
    client.close();
  }
}

/** A parameter of the first challenge that has it. */
function parameter(challenge: string, name: string): string | undefined {
  const [, quoted, token] = new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*(?:"([^"]{0,2000})"|([^\\s,"]{1,2000}))`, 'i').exec(challenge) ?? [];
  return quoted ?? token;
}

/** The server's own words, cut where they are long. */
function shown(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
