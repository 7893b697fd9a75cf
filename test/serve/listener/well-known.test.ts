/** Which part of a challenge is rewritten on its way through the listener (wire.md §5). */
import { expect, test } from 'bun:test';
import type { HttpClient } from '../../../src/http/client.ts';
import type { ServedRequest } from '../../../src/http/server.ts';
import { openWellKnown } from '../../../src/serve/listener/well-known.ts';

const client = { url: new URL('https://up.example/mcp') } as HttpClient;
const request = { rawHeaders: ['Host', '127.0.0.1:1'] } as unknown as ServedRequest;
const rewritten = (challenge: string) =>
  openWellKnown(client, '/mcp').rewrite({ 'www-authenticate': challenge }, request, 402)['www-authenticate'];

test('the place of the document is rewritten, of several schemes in each', () => {
  const own = 'resource_metadata="http://127.0.0.1:1/.well-known/oauth-protected-resource/mcp"';
  const given = 'Bearer realm="a \\" b", resource_metadata = "/x", DPoP Resource_Metadata="https://up.example/y"';
  expect(rewritten(given)?.toLowerCase()).toBe(`Bearer realm="a \\" b", ${own.replace('=', ' = ')}, DPoP ${own}`.toLowerCase());
  const elsewhere = 'Bearer resource_metadata="https://else.example/x"';
  expect(rewritten(elsewhere)).toBe(elsewhere);
});

test('policy.md §8: what looks like it inside of quotes stays, and with it the offers that were judged', () => {
  for (const text of ['resource_metadata=', 'a, resource_metadata=', '\\", resource_metadata='])
    for (const rest of [', request="cheap", Other a="b", request="dear"', ', Payment id="x", request="y"']) {
      const judged = `Payment id="1", method="stripe", intent="charge", realm="${text}"${rest}`;
      expect(rewritten(judged)).toBe(judged);
    }
});
