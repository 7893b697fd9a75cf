/** Asks each URL that it is given, one after the other, and prints how that went: a line of JSON each. */
import { openHttpClient } from '../../../src/http/client.ts';
import { UpstreamFault } from '../../../src/http/fault.ts';

for (const url of process.argv.slice(2)) {
  const client = openHttpClient(new URL(url), { authorization: 'Bearer the-secret' });
  console.log(JSON.stringify(await ask(client)));
  client.close();
}

async function ask(client: ReturnType<typeof openHttpClient>): Promise<unknown> {
  let body = '';
  try {
    const answer = await client.send({ method: 'POST', headers: {}, body: '{}', signal: AbortSignal.timeout(30_000) });
    for await (const chunk of answer.body) body += Buffer.from(chunk).toString('latin1');
    return { status: answer.status, body };
  } catch (error) {
    if (error instanceof UpstreamFault) return { body, code: error.code, sent: error.sent, message: error.message };
    throw error;
  }
}
