/** Classes of tools (setup.md §1): what library.md calls traps, in words of our own. */
import { describe, expect, test } from 'bun:test';
import { fromPlain } from '../../../src/mcp/json/values.ts';
import { classifyTools, RISKS, type Risk, type ScannedTool, type ToolRisk } from '../../../src/setup/risk/risk.ts';

interface Plain {
  readonly name: string;
  readonly description?: string;
  readonly args?: Record<string, unknown>;
  readonly hints?: Record<string, boolean>;
}

function scanned({ name, description = '', args = {}, hints = {} }: Plain): ScannedTool {
  return { name, description, inputSchema: fromPlain({ type: 'object', properties: args }), annotations: fromPlain(hints) };
}

/** The only tool of its server. */
function classOf(tool: Plain): ToolRisk {
  const [risk] = classifyTools([scanned(tool)]);
  if (!risk) throw new Error('no class');
  return risk;
}

const TEXT = { type: 'string' };
const NUMBER = { type: 'number' };

function expectAll(risk: Risk, tools: readonly Plain[]): void {
  for (const tool of tools) expect([tool.name, classOf(tool).risk]).toEqual([tool.name, risk]);
}

describe('the name', () => {
  test('decides by its verb, wherever that stands', () => {
    expectAll(
      'Read',
      ['get_order_status', 'list_invoices', 'hosting_getCronJobOutputV1', 'jira_batch_get_changelogs', 'VPC-list'].map(named),
    );
    expectAll('Write', ['create_issue', 'communication_email_send', 'API-update-a-block', 'sheets_duplicate_sheet'].map(named));
    expectAll('Execute', ['run_command', 'pods_run', 'deploy_service', 'rerun_workflow', 'kubectl.apply'].map(named));
    expectAll(
      'Destructive',
      ['delete_repo', 'droplet-delete', 'hosting_deleteWebsiteV1', 'TwilioApi--DeleteQueue', 'keys/revoke'].map(named),
    );
  });

  test('money is in its nouns', () => {
    expectAll('Financial', ['create_invoice', 'replace_order_by_id', 'renewSubscription', 'pay_offer', 'transfer_erc20'].map(named));
    expectAll('Financial', ['create_phone_number', 'set_default_payment_method', 'close_position', 'retry_payments'].map(named));
    expectAll('Write', ['create_webhook_subscription', 'reorder_list', 'transfer_issue', 'send_invoice_reminder'].map(named));
    expectAll('Write', [
      { name: 'create_subscription', args: { topic: TEXT } },
      { name: 'create_price', args: { unit_amount: NUMBER } },
    ]);
  });

  test('nouns that look like verbs are nouns', () => {
    const reading = [
      'get_project_update',
      'list_deploy_tokens',
      'get_pull_request',
      'place_details_get',
      'list_check_runs',
      'read_access_list',
    ];
    expectAll('Read', reading.map(named));
    expectAll('Read', [
      { name: 'compose-logs', description: 'Retrieves logs.' },
      { name: 'type', description: 'Returns the kind of a value.' },
    ]);
    expectAll('Write', [named('archive_list')]);
  });

  test('undoing a link is no deletion, and ending a run is none', () => {
    expectAll('Write', ['remove_label', 'remove-contact-from-segment', 'remove_reaction'].map(named));
    expectAll('Destructive', ['remove_api_key', 'removeUserFromTeam', 'remove_all_user_sessions', 'clear_table'].map(named));
    expectAll('Execute', ['cancel_workflow', 'cancelDeployment', 'abort_job'].map(named));
    expectAll('Destructive', ['cancel_subscription', 'cancel_order'].map(named));
  });

  test('a prefix that most tools share says nothing', () => {
    const tools = ['post_list', 'post_get_page', 'post_find', 'post_tags'].map((name) => ({ name: `run_${name}` }));
    expect(classifyTools(tools).every(({ risk }) => risk === 'Execute')).toBe(true);
    const shared = ['acme_send_list', 'acme_send_get', 'acme_send_drop'].map((name) => scanned({ name: name.replace('send', 'mail') }));
    expect(classifyTools(shared).map(({ risk }) => risk)).toEqual(['Read', 'Read', 'Destructive']);
  });

  function named(name: string): Plain {
    return { name };
  }
});

describe('doubt', () => {
  test('is never Read', () => {
    expect(classOf({ name: 'tags' })).toMatchObject({ risk: 'Write', unsure: true, evidence: [] });
    expectAll('Write', [{ name: 'generate_report' }, { name: 'process', description: 'Processes it. Returns a receipt.' }, { name: '' }]);
  });

  test('ends where the description begins with a verb', () => {
    expectAll('Read', [
      { name: 'llen', description: 'Get the length of a list.' },
      { name: 'regenwolken', description: '查询天气' },
    ]);
    expectAll('Write', [{ name: 'regenwolken', description: '查询并创建天气' }]);
    expectAll('Destructive', [{ name: 'groom', description: 'This tool will delete what is old.' }]);
  });
});

describe('hints', () => {
  test('raise, and never lower what the name says', () => {
    expectAll('Destructive', [{ name: 'delete_repo', hints: { readOnlyHint: true, destructiveHint: false } }]);
    expectAll('Write', [{ name: 'email_send', hints: { readOnlyHint: true } }]);
    expectAll('Execute', [{ name: 'execute', args: { code: TEXT }, hints: { readOnlyHint: true } }]);
    expectAll('Write', [{ name: 'list_sets', hints: { readOnlyHint: false, destructiveHint: true } }]);
  });

  test('make Destructive only what nothing else speaks of', () => {
    expectAll('Destructive', [{ name: 'groom', hints: { destructiveHint: true } }]);
    expectAll('Write', [{ name: 'update_page', hints: { destructiveHint: true } }]);
    expectAll('Read', [{ name: 'groom', hints: { readOnlyHint: true } }]);
  });
});

describe('arguments', () => {
  test('a statement or code is run, whatever the name says', () => {
    expectAll('Execute', [
      { name: 'query_database', args: { sql: TEXT } },
      { name: 'd1_query', args: { query: { type: 'string', description: 'SQL query' } } },
      { name: 'get_answer', args: { script: TEXT } },
    ]);
    expectAll('Read', [
      { name: 'search_docs', args: { query: TEXT } },
      { name: 'query_range', description: 'Runs a PromQL query.', args: { query: TEXT } },
      { name: 'explain_query', args: { sql: TEXT } },
    ]);
  });

  test('one tool with many actions is as bad as the worst, and its reading ones are named', () => {
    const action = { type: 'string', enum: ['list', 'get', 'create', 'delete'] };
    expect(classOf({ name: 'manage_tags', args: { action } })).toMatchObject({
      risk: 'Destructive',
      actions: { argument: 'args.action', reading: ['list', 'get'], all: ['list', 'get', 'create', 'delete'] },
      evidence: [{ source: 'argument', risk: 'Destructive', says: 'action "delete"' }, { risk: 'Write' }],
    });
    expect(classOf({ name: 'request', args: { method: { enum: ['GET', 'POST'] } } })).toMatchObject({
      risk: 'Write',
      actions: { reading: ['GET'] },
    });
    expectAll('Destructive', [{ name: 'manage_flow', description: 'Create, list or delete flows.', args: { operation: TEXT } }]);
    expectAll('Write', [{ name: 'members', args: { action: { enum: ['list', 'add', 'remove'] } } }]);
  });

  test('a file that is written, a lease, a list to delete, a stake', () => {
    expectAll('Write', [
      { name: 'get_attachment', args: { output_path: TEXT } },
      { name: 'queue_get_message', args: { visibilityTimeout: NUMBER } },
    ]);
    expectAll('Destructive', [{ name: 'batch_update', args: { create: { type: 'array' }, delete: { type: 'array' } } }]);
    expectAll('Financial', [{ name: 'update_campaign', args: { daily_budget: NUMBER } }]);
  });

  test('the paths of amount and currency are those of a policy', () => {
    const lines = { type: 'array', items: { type: 'object', properties: { unitAmount: NUMBER, quantity: NUMBER } } };
    const money = classOf({ name: 'create_invoice', args: { lineItems: lines, currencyCode: TEXT } }).money;
    expect(money).toEqual({ amount: 'args.lineItems[*].unitAmount', currency: 'args.currencyCode' });
    const nested = { type: 'object', properties: { amount: { anyOf: [{ type: 'string' }, { type: 'null' }] } } };
    expect(classOf({ name: 'create_refund', args: { 'pay-in': nested } }).money).toEqual({ amount: 'args.pay-in.amount' });
    const beside = { amount: { properties: { value: TEXT, currency_code: TEXT } }, currency: TEXT, quantity: NUMBER };
    expect(classOf({ name: 'create_order', args: beside }).money).toEqual({
      amount: 'args.amount.value',
      currency: 'args.amount.currency_code',
    });
    expect(classOf({ name: 'refund_payment', args: { partial_amount: NUMBER } }).money).toEqual({ amount: 'args.partial_amount' });
    const none = { price: TEXT, quantity: NUMBER, attributes: { properties: { value: TEXT } } };
    expect(classOf({ name: 'create_invoice', args: none }).money).toBeUndefined();
    expect(classOf({ name: 'list_orders', args: { amount: NUMBER } }).money).toBeUndefined();
  });

  test('a reference is followed, one abroad is doubt', () => {
    const inputSchema = fromPlain({ properties: { body: { $ref: '#/$defs/Body' } }, $defs: { Body: { properties: { sql: TEXT } } } });
    expect(classifyTools([{ name: 'get_rows', inputSchema }])).toMatchObject([{ risk: 'Execute' }]);
    const abroad = fromPlain({ properties: { body: { $ref: 'https://example.com/body.json' } } });
    expect(classifyTools([{ name: 'get_rows', inputSchema: abroad }])).toMatchObject([{ risk: 'Write', unsure: true }]);
  });
});

describe('descriptions', () => {
  test('a reading name with effects takes the worse class', () => {
    expectAll('Write', [
      { name: 'get_upload_url', description: 'Get a presigned URL to upload a file.' },
      { name: 'fetch_schema', description: 'Fetches a schema and saves it to disk.' },
      { name: 'read_or_set', description: 'Read or update a value.' },
    ]);
    expectAll('Execute', [{ name: 'retrieve_records', description: 'Finds records. Each call incurs compute charges.' }]);
  });

  test('money and loss', () => {
    expectAll('Financial', [
      { name: 'create_pod', description: 'Rent a machine. BILLABLE until it is stopped.' },
      {
        name: 'web_fetch',
        description: 'Fetch a page with automatic micropayment; purchases a ticket where it must.',
        args: { url: TEXT },
      },
    ]);
    expectAll('Destructive', [{ name: 'put_content', description: 'Writes a note. Its previous content is lost.' }]);
    expectAll('Write', [{ name: 'write_file', description: 'Writes a file.' }]);
  });

  test('a router is no reading tool', () => {
    expectAll('Execute', [{ name: 'monitor', description: 'Monitor operations. A hierarchical command router.' }]);
  });
});

describe('marks', () => {
  test('secrets that are returned, and that are taken', () => {
    for (const name of ['get-secret', 'doks-get-credentials', 'get_publishable_keys', 'reveal'])
      expect(classOf({ name })).toMatchObject({ sensitive: true, returnsSecrets: true, secretArguments: [] });
    const taken = classOf({ name: 'get_balance', args: { privateKey: TEXT, address: TEXT, auth: { properties: { api_key: TEXT } } } });
    expect(taken).toMatchObject({ sensitive: true, secretArguments: ['privateKey', 'api_key'] });
    expect(taken.returnsSecrets).toBeUndefined();
    expect(classOf({ name: 'list_secret_scanning_alerts' }).sensitive).toBe(false);
  });

  test('steps', () => {
    const browser = ['click', 'navigate', 'fill', 'snapshot', 'resize'].map((name) => scanned({ name: `browser_${name}` }));
    expect(classifyTools(browser).map(({ risk, step }) => [risk, step])).toEqual([
      ...Array(3).fill(['Execute', true]),
      ['Execute', true],
      ['Execute', true],
    ]);
    expect(classOf({ name: 'edit_file', args: { path: TEXT } })).toMatchObject({ risk: 'Write', step: true });
    expect(classOf({ name: 'create_or_update_file', args: { path: TEXT, repo: TEXT } }).step).toBe(false);
    expect(classOf({ name: 'run_query', args: { sql: TEXT } })).toMatchObject({ risk: 'Execute', step: true });
    expect(classOf({ name: 'append_note' }).step).toBe(true);
    expect(classOf({ name: 'run_command', args: { command: TEXT } }).step).toBe(false);
  });

  test('tools that take the name of another', () => {
    expect(classOf({ name: 'proxy', args: { tool_name: TEXT } }).takesToolName).toBe(true);
    expect(classOf({ name: 'server_call_tool' }).takesToolName).toBe(true);
    expect(classOf({ name: 'list_alerts', args: { tool_name: TEXT } }).takesToolName).toBe(false);
  });
});

test('the classes are in the order of setup.md, the worst last', () => {
  expect([...RISKS]).toEqual(['Read', 'Write', 'Execute', 'Financial', 'Destructive']);
});

describe('words that are nouns, too', () => {
  test('an unknown verb with such a noun is doubt', () => {
    expectAll('Write', [{ name: 'frobnicate_profile' }, { name: 'domains_frobDefaultProfile' }, { name: 'flip_status' }]);
    expectAll('Destructive', [
      { name: 'compute_vm_delete' },
      { name: 'get_and_delete' },
      { name: 'storage_list_delete' },
      { name: 'fetch_then_purge' },
    ]);
  });

  test('a noun before the verb that reads is no verb', () => {
    expectAll('Read', [
      { name: 'run-list', description: 'Lists runs.' },
      { name: 'invoice-list', description: 'List invoices.' },
      { name: 'deploy_rules_get', description: 'Retrieves rules.' },
      { name: 'reverse_geocode' },
    ]);
  });

  test('a code is one of a coupon, unless it is told to be run', () => {
    expectAll('Read', [{ name: 'list_coupons', args: { code: TEXT } }]);
    expectAll('Execute', [
      { name: 'evaluate_it', args: { code: TEXT } },
      { name: 'get_answer', args: { code: { type: 'string', description: 'to execute' } } },
    ]);
  });
});

describe('an action', () => {
  const choice = (...values: readonly string[]) => ({ enum: values });

  test('of a tool whose name destroys or pays is no reading, whatever it is called', () => {
    const named = {
      delete_user: ['list', 'delete'],
      wipe: ['view', 'format'],
      refund_charge: ['preview', 'create'],
      pay_invoice: ['check', 'submit'],
    };
    for (const [name, values] of Object.entries(named))
      expect([name, classOf({ name, args: { action: choice(...values) } }).actions?.reading]).toEqual([name, []]);
  });

  test('beside another that does more is no reading', () => {
    const args = { action: choice('list', 'create'), operation: choice('get', 'delete') };
    expect(classOf({ name: 'manage_repo', args }).actions?.reading).toEqual([]);
    expect(classOf({ name: 'manage_repo', args: { ...args, operation: choice('get', 'list') } }).actions?.reading).toEqual(['list']);
  });
});

test('money behind "and" counts, also where its word may be a noun', () => {
  expectAll('Financial', [{ name: 'lookup_and_refund' }, { name: 'search_and_buy' }]);
});

test('any method of HTTP to any address is no reading', () => {
  expectAll('Execute', [{ name: 'fetch', args: { url: TEXT, method: TEXT, body: TEXT } }]);
  expectAll('Read', [{ name: 'fetch', args: { url: TEXT, method: { enum: ['GET', 'HEAD'] } } }]);
});
