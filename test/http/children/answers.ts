/** Reads answers off a raw server with the client: those in the file that is named, each in its pieces. Prints what became of each, and the ms of processor time of all. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { openHttpClient } from '../../../src/http/client.ts';
import { UpstreamFault } from '../../../src/http/fault.ts';

const answers: readonly (readonly string[])[] = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
let pieces: readonly string[] = [];
const server = createServer(
  (socket) =>
    void socket
      .setNoDelay(true)
      .on('error', () => {})
      .once('data', () => void write(socket)),
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);

/** Writes piece by piece, each in a turn of its own, and then ends the connection. */
async function write(socket: Socket): Promise<void> {
  for (const piece of pieces) {
    if (!socket.write(Buffer.from(piece, 'latin1'))) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end();
}

async function outcome() {
  const client = openHttpClient(url, {});
  let [status, body, headers] = [undefined as number | undefined, '', {}];
  try {
    const answer = await client.send({ method: 'POST', headers: {}, body: '{}', signal: AbortSignal.timeout(20_000) });
    status = answer.status;
    headers = { ...answer.headers };
    for await (const chunk of answer.body) body += Buffer.from(chunk).toString('latin1');
    return { status, headers, body, fault: undefined };
  } catch (error) {
    if (!(error instanceof UpstreamFault) || error.code !== 'broken' || !error.sent) throw error;
    return { status, headers, body, fault: error.message };
  } finally {
    client.close();
  }
}

const outcomes: unknown[] = [];
const before = process.cpuUsage();
for (pieces of answers) outcomes.push(await outcome());
const { user, system } = process.cpuUsage(before);
process.stdout.write(JSON.stringify({ outcomes, cost: (user + system) / 1000 }), () => process.exit(0));
