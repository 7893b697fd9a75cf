/** An agent that pays: an SDK client with the wallets of both protocols' SDKs, in front of the proxy and the priced server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { x402Client } from '@x402/core/client';
import type { PaymentRequired, SchemeNetworkClient } from '@x402/core/types';
import { Credential, Method } from 'mppx';
import { McpClient } from 'mppx/mcp/client';
import { Methods } from 'mppx/stripe';
import { untilRecords } from '../../harness/audit.ts';
import { BUN } from '../../harness/paths.ts';
import { type Setup, setUpProxy } from '../../harness/proxy.ts';

export interface Payer extends AsyncDisposable {
  readonly client: Client;
  readonly setup: Setup;
  /** A payment for what a result asks, by x402's own client. */
  pay(result: unknown): Promise<object>;
  /** What the server did, a line each. */
  executed(): string[];
  /** Waits for the outcome that says that nobody knew the price. */
  untilUnpriced(): Promise<unknown>;
}

const SERVER = [BUN, join(import.meta.dirname, '../../fixtures/servers/paid.ts')];
let cards = 0;

/** `wallet`: pays MPP challenges by itself, with a new card each time. */
export async function openPayer(policy: string, wallet = true): Promise<Payer> {
  const setup = await setUpProxy({ policy, server: SERVER });
  const log = join(setup.folder, 'executed');
  const [command = '', ...args] = setup.command;
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...setup.env, PAID_LOG: log }).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
  );
  const client = new Client({ name: 'payer', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ command, args, env, stderr: 'ignore' }));
  if (wallet)
    McpClient.wrap(client, {
      methods: [
        Method.toClient(Methods.charge, {
          createCredential: async ({ challenge }) => Credential.serialize({ challenge, payload: { spt: `spt_${++cards}` } }),
        }),
      ],
    });
  let nonce = 0;
  const createPaymentPayload: SchemeNetworkClient['createPaymentPayload'] = async (x402Version, { amount }) => ({
    x402Version,
    payload: { signature: '0x1', authorization: { value: amount, nonce: `${++nonce}` } },
  });
  const schemes = [{ network: 'eip155:84532' as const, client: { scheme: 'exact', createPaymentPayload } }];
  const chain = x402Client.fromConfig({ schemes, spendControls: false });
  return {
    client,
    setup,
    pay: (result) => chain.createPaymentPayload((result as { structuredContent: PaymentRequired }).structuredContent),
    executed: () => linesOf(log),
    untilUnpriced: () => untilRecords(setup.home, 'an unpriced outcome', (records) => records.some(({ unpriced }) => unpriced === true)),
    async [Symbol.asyncDispose]() {
      await client.close();
      await setup.remove();
    },
  };
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
