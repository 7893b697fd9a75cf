/** wire.md §5, I10: what a 401 asks for is told to the operator, and finding it out gives nothing away. */
import { expect, test } from 'bun:test';
import { openHttpClient } from '../../../src/http/client.ts';
import { explainUnauthorized } from '../../../src/serve/upstream/authorization.ts';
import { type Answer, answerJson, startUpstream } from '../../harness/upstream.ts';

const SECRET = { authorization: 'Bearer the-secret' };

async function explain(url: string, challenge: string, hasToken = false): Promise<string> {
  const client = openHttpClient(new URL(url), SECRET);
  const lines = await explainUnauthorized(challenge, client, hasToken);
  client.close();
  return lines.join('\n');
}

const metadata: Answer = (_, response) =>
  answerJson(response, { authorization_servers: ['https://login.example.com', 7, 'https://other.example.com'] });

test('the authorization servers are found where the challenge says, or where they belong', async () => {
  await using upstream = await startUpstream(({ path }, response) => {
    if (path === '/named' || path === '/.well-known/oauth-protected-resource/mcp') return metadata(upstream.received[0] as never, response);
    response.writeHead(404).end();
  });
  const url = `${upstream.url}/mcp`;
  for (const challenge of [`Bearer realm="x", resource_metadata="${upstream.url}/named"`, 'Bearer resource_metadata=/named', 'Bearer', ''])
    expect(await explain(url, challenge)).toContain('from https://login.example.com or https://other.example.com');
});

test('SECURITY: metadata are asked for without credentials, and on the origin of the upstream alone', async () => {
  await using other = await startUpstream(metadata);
  await using upstream = await startUpstream((_, response) => void response.writeHead(302, { location: `${other.url}/x` }).end());
  const told = await explain(`${upstream.url}/mcp`, `Bearer resource_metadata="${other.url}/.well-known/oauth-protected-resource"`);
  expect(told).toContain(`the authorization server that ${other.url}/.well-known/oauth-protected-resource names`);
  expect(other.received).toEqual([]);
  expect(upstream.received.length).toBeGreaterThan(0);
  await explain(`${upstream.url.replace('//', '//user:pass@')}/mcp`, 'Bearer');
  expect(upstream.received.map(({ headers }) => headers.authorization)).toEqual(upstream.received.map(() => undefined));
});

test('a token that was sent and refused is told apart from none', async () => {
  await using upstream = await startUpstream((_, response) => void response.writeHead(404).end());
  expect(await explain(upstream.url, 'Bearer error="invalid_token"', true)).toContain('does not accept the Authorization header');
  const none = await explain(upstream.url, 'Bearer scope="a b"');
  expect(none).toContain('asks for authorization (401)');
  expect(none).toContain('for the scope "a b"');
  expect(none).toContain('--header-env Authorization=VARIABLE');
});

test('what cannot be read is not told: no metadata, or too much of it', async () => {
  for (const body of [
    '<html>',
    '[]',
    '{"authorization_servers":"x"}',
    JSON.stringify({ authorization_servers: ['https://x'], more: 'x'.repeat(100_000) }),
  ]) {
    await using upstream = await startUpstream((_, response) => answerJson(response, body));
    expect(await explain(upstream.url, 'Bearer')).toContain('get an access token, put');
  }
});
