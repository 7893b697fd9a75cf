/** Servers as a person meets them: classified and drafted as `init` does it. */
import { scannedState } from '../../../src/setup/choose/scanned.ts';
import type { ServerState, ServerToChoose } from '../../../src/setup/choose/servers.ts';
import type { Risk, ScannedTool, ToolRisk } from '../../../src/setup/risk/risk.ts';

/** A tool and its class. */
export type ClassedTool = readonly [name: string, risk: Risk, description: string];

/** Tools of each class, one of which returns a secret. */
export const SHOP: readonly ClassedTool[] = [
  ['cancel_subscription', 'Destructive', 'Cancels a subscription at once. What was paid for is not given back.'],
  ['delete_customer', 'Destructive', 'Permanently deletes a customer and ends all of their subscriptions. It cannot be undone.'],
  ['delete_webhook_endpoint', 'Destructive', 'Deletes a webhook endpoint.'],
  ['create_charge', 'Financial', 'Charges a card or another source of payment.'],
  ['create_invoice', 'Financial', 'Creates a draft invoice for a customer.'],
  ['create_payment_link', 'Financial', 'Creates a link that anybody can pay by.'],
  ['create_refund', 'Financial', 'Gives money back for a charge, all of it or a part.'],
  ['finalize_invoice', 'Financial', 'Makes a draft invoice final, so that it is sent and collected.'],
  ['run_report', 'Execute', 'Runs a report over all payments of a month.'],
  ['create_customer', 'Write', 'Creates a customer with a name and an email address.'],
  ['create_product', 'Write', 'Creates a product, to which prices are attached later.'],
  ['update_dispute', 'Write', 'Adds evidence to a dispute.'],
  ['list_customers', 'Read', 'Lists customers, the newest first.'],
  ['list_invoices', 'Read', 'Lists invoices of one customer or of all.'],
  ['retrieve_api_key', 'Read', 'Returns the restricted key of this account.'],
  ['retrieve_balance', 'Read', 'Returns the balance of the account by currency.'],
  ['search_documentation', 'Read', 'Searches the documentation.'],
];

const FILES: readonly ClassedTool[] = [
  ...['move_file', 'write_file', 'edit_file'].map((name) => [name, 'Write', `${name} within the folders that are allowed.`] as const),
  ...['read_file', 'list_directory', 'search_files'].map((name) => [name, 'Read', `${name} within the folders that are allowed.`] as const),
];

/** The class as the classifier answers it. */
export function riskOf(name: string, risk: Risk): ToolRisk {
  return {
    risk,
    evidence: [{ source: 'name', risk, says: `name: "${name.split('_')[0]}"` }],
    sensitive: name === 'retrieve_api_key',
    secretArguments: [],
    unsure: false,
    step: false,
    takesToolName: false,
  };
}

/** A server that answered, with the draft that `init` suggests. */
export function scanned(name: string, classed: readonly ClassedTool[]): ServerState {
  const tools: readonly ScannedTool[] = classed.map(([tool, , description]) => ({ name: tool, description }));
  const risks = classed.map(([tool, risk]) => riskOf(tool, risk));
  return scannedState({ resources: false, prompts: false, tools }, risks, { name, preset: 'suggested', date: '2026-11-30', origin: {} });
}

/** A server of that name and state. */
export function serverOf(id: string, state: ServerState, more: Partial<ServerToChoose> = {}): ServerToChoose {
  return { id, name: id, clients: ['Claude Code'], command: `npx -y ${id}`, state, ...more };
}

/** One server in each state. */
export function manyServers(): readonly ServerToChoose[] {
  return [
    serverOf('shop', scanned('shop', SHOP), { clients: ['Claude Code', 'Cursor'], command: 'npx -y @shop/mcp --api-key=…' }),
    serverOf('filesystem', scanned('filesystem', FILES), {
      clients: ['Claude Desktop'],
      command: 'npx -y @modelcontextprotocol/server-filesystem ~/notes',
      notes: ['the library has "read_media_file", and the server has not'],
    }),
    serverOf('github', { kind: 'failed', why: 'it ended (status 125) before it answered' }, { library: 'github' }),
    serverOf('calendar', { kind: 'login', why: 'it asks for a login (OAuth)' }, { command: 'https://calendar.example/mcp' }),
    serverOf(
      'house-tools',
      { kind: 'left', why: 'its file is managed by your organisation' },
      { clients: ['VS Code'], command: '/opt/house/tools' },
    ),
  ];
}

/** The same before any was started; one of them is not ticked. */
export function foundServers(): readonly ServerToChoose[] {
  return manyServers().map((server) =>
    server.state.kind === 'left' ? server : { ...server, state: { kind: 'found' }, ticked: server.id !== 'github' },
  );
}

/** A server that tries what a name and a description can do. */
export function hostileServer(): ServerToChoose {
  const tools: readonly ClassedTool[] = [
    ['<img src=x onerror="document.title=1">', 'Write', '<script>document.title=2</script><style>*{display:none}</style>'],
    ['safe\u202eeteled', 'Destructive', 'reads \u202e.gnihton setirw\u202c'],
    ['p\u0430y', 'Financial', 'a\u200bb\u0000c\u001b[2J\n# comment\n": {}'],
    ['": {}\n  evil: {}', 'Read', 'x'.repeat(5_000_000)],
    ['*', 'Read', 'means all'],
    ['x'.repeat(2_000), 'Read', ''],
    ['', 'Read', ''],
    ['__proto__', 'Write', '$(id) `id` %PATH%'],
    ['مرحبا_delete', 'Destructive', 'שלום'],
    ['twice', 'Read', 'one'],
    ['twice', 'Destructive', 'two'],
  ];
  const state = scanned('hostile', tools);
  return serverOf('hostile\u202e<b>', state, {
    command: `run '<i>' \u001b]0;x\u0007 ${'y'.repeat(3_000)}`,
    notes: ['<a href="https://evil.example">'],
  });
}
