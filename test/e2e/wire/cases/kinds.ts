/**
 * Kinds of attack that got through once, each under a policy of its own: look-alike keys where a schema or a comparison
 * judges, Intercept's own files by other spellings and methods, what stands beside the arguments, methods by other
 * spellings, and what an agent sends while all is paused.
 */
import { type Attack, attacks, call, denied, type Expected, errorOf, ID, passed } from '../attack.ts';
import type { OwnFiles, Scene } from '../scene.ts';

const SAFE = '  safe: {rules: [{conditions: [{path: args.amount, op: lte, value: 10}]}]}';
/** A JSON-RPC error for what `methods`, the pause or `(self)` refuses. */
const refusedMethod: Expected = errorOf(-32010);
const nothing: Expected = { kind: 'nothing' };

type Row = readonly [string, string, Expected];

// ── A1: look-alike keys ──

const ORDER = '{type: object, required: [amount], properties: {amount: {type: number, maximum: 10}}}';
const LOOKALIKE_POLICY = `version: "1"
default: deny
tools:
${SAFE}
  schema: {rules: [{validate: {schema: true}}]}
  required: {rules: [{validate: {required_args: true}}]}
  order: {rules: [{arguments: {order: ${ORDER}}}]}
  orders: {rules: [{arguments: {orders: {type: array, items: ${ORDER}}}}]}
  either: {rules: [{arguments: {order: {anyOf: [{type: "null"}, {allOf: [${ORDER}]}]}}}]}
  constant: {rules: [{arguments: {order: {not: {const: {amount: 9999}}}}}]}
  unequal: {rules: [{conditions: [{path: args.order, op: neq, value: {amount: 9999}}]}]}
  unlisted: {rules: [{conditions: [{path: args.order, op: not_in, value: [{amount: 9999}, {amount: 99}]}]}]}
  without: {rules: [{conditions: [{path: args.orders, op: not_contains, value: {amount: 9999}}]}]}
`;

/** Keys that some reader takes for `amount`, as JSON text. */
const SPELLINGS = {
  'a capital': 'Amount',
  capitals: 'AMOUNT',
  'a capital inside': 'amOunt',
  'a soft hyphen': 'am\\u00adount',
  'a zero-width joiner': 'amount\\u200d',
  'full-width letters': '\uff41\uff4d\uff4f\uff55\uff4e\uff54',
  'mathematical letters': '\u{1d41a}\u{1d426}\u{1d428}\u{1d42e}\u{1d427}\u{1d42d}',
};

const SHAPES: readonly (readonly [string, (order: string) => string])[] = [
  ['schema', (order) => order],
  ['required', (order) => order],
  ['order', (order) => `{"order":${order}}`],
  ['orders', (order) => `{"orders":[{"amount":2},${order}]}`],
  ['either', (order) => `{"order":${order}}`],
  ['constant', (order) => `{"order":${order}}`],
  ['unequal', (order) => `{"order":${order}}`],
  ['unlisted', (order) => `{"order":${order}}`],
  ['without', (order) => `{"orders":[${order}]}`],
];

const LOOKALIKES = attacks(
  'A1 look-alike keys in schemas and comparisons',
  SHAPES.flatMap(([tool, shape]) =>
    Object.entries(SPELLINGS).flatMap<Row>(([spelling, key]) => [
      [`${tool}: beside the key, ${spelling}`, callOf(tool, shape(`{"amount":1,"${key}":9999}`)), denied],
      [`${tool}: before the key, ${spelling}`, callOf(tool, shape(`{"${key}":9999,"amount":1}`)), denied],
      [`${tool}: alone, ${spelling}`, callOf(tool, shape(`{"${key}":9999}`)), denied],
    ]),
  ),
);

const HONEST = attacks('A1 honest keys pass', [
  ...SHAPES.map<Row>(([tool, shape]) => [tool, callOf(tool, shape('{"amount":1}')), passed]),
  ['a key that folds to no name of the schema', callOf('order', '{"order":{"amount":1,"Note":"x"}}'), passed],
]);

const NEEDS_LIST = new Set(['schema', 'required']);

function callOf(tool: string, args: string): string {
  return call(`"name":"${tool}","arguments":${args}`);
}

/** Whether a reader without case could find an amount over 10 in it. */
function hasDearAmount(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasDearAmount);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, member]) => (isAmount(key) ? Number(member) > 10 : hasDearAmount(member)));
}

function isAmount(key: string): boolean {
  return (
    key
      .normalize('NFKC')
      .replace(/[\u00ad\u200b-\u200f]/g, '')
      .toLowerCase() === 'amount'
  );
}

const AMOUNT_SCHEMA = { type: 'object', properties: { amount: { type: 'number', maximum: 10 } }, required: ['amount'] };

const lookalikes: Scene = {
  policy: LOOKALIKE_POLICY,
  server: {
    tools: [
      { name: 'safe' },
      ...SHAPES.map(([name]) => ({ name, ...((name === 'schema' || name === 'required') && { inputSchema: AMOUNT_SCHEMA }) })),
    ],
  },
  attacks: () => [...LOOKALIKES, ...HONEST.map((attack) => ({ ...attack, needsList: NEEDS_LIST.has(attack.name) }))],
  isForbidden: (entry) => entry.type === 'executed' && hasDearAmount(entry.arguments),
};

// ── A4: Intercept's own files ──

/** Texts that some server takes for this path. */
function spellingsOf(path: string): Readonly<Record<string, string>> {
  const dotted = path.replace(/[a-z](?=[^/]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
  const folder = path.slice(0, path.lastIndexOf('/'));
  const name = path.slice(path.lastIndexOf('/') + 1);
  return {
    plain: path,
    'a dot segment': `${folder}/./${name}`,
    'a way up': `${folder}/x/../${name}`,
    'two slashes': `${folder}//${name}`,
    'a URL': `file://${path}`,
    'a URL without slashes': `file:${path}`,
    'a URL with a host': `file://localhost${path}`,
    'a URL in capitals': `FILE://${path}`,
    'a control before a URL': `\\u0001file://${path}`,
    'spaces before a URL': `  file://${path}`,
    'a tab in the scheme': `fi\\tle://${path}`,
    'a query': `file://${path}?x`,
    'a fragment': `file://${path}#x`,
    'an escape': `file://${dotted}`,
    'an escape and a bad query': `file://${dotted}?%`,
    'an escape and a bad fragment': `file://${dotted}#%`,
    'an escape and a bad escape': `file://${dotted}/../%zz/../${name}`,
    'escapes of escapes': `file://${dotted.replaceAll('%', '%2525')}`,
    'a path parameter': `file://${path};v=1`,
    'a URL with a port': `file://localhost:80${path}`,
    'a character in two bytes': path.replace(/.(?=[^/]*$)/, overlong),
    'a character in three bytes': path.replace(/.(?=[^/]*$)/, (one) => overlong(one).replace('%c0', '%e0%80').replace('%c1', '%e0%81')),
    'slashes in two bytes': path.replaceAll('/', '%c0%af'),
    'a share of this host': `\\\\\\\\localhost${path.replaceAll('/', '\\\\')}`,
    'a share of this host, with slashes': `//localhost${path}`,
    'a device path': `\\\\\\\\?\\\\UNC\\\\localhost${path.replaceAll('/', '\\\\')}`,
    'another root, a tab in its name': `file:///pr\\toc/self/root${path}`,
    'another root': `/proc/self/root${path}`,
    "a task's root": `/proc/self/task/1/root${path}`,
    "Intercept's environment": '/proc/1/environ',
    "a process's memory": '/proc/self/task/1/mem',
    "a thread's root": `/proc/thread-self/root${path}`,
    "the server's root by number": `/proc/1/root${path}`,
    'a folder of a process': '/proc/self/cwd/admin.token',
    'an open file': '/dev/fd/3',
    'an open file of a process': '/proc/self/fd/3',
  };
}

/** An ASCII character as two bytes of UTF-8, of which one is too many. */
function overlong(one: string): string {
  const code = one.charCodeAt(0);
  return `%${code < 64 ? 'c0' : 'c1'}%${(0x80 | (code & 0x3f)).toString(16)}`;
}

function ownFileAttacks({ home, policyFile }: OwnFiles): readonly Attack[] {
  const token = Object.entries(spellingsOf(`${home}/admin.token`));
  const policy = Object.entries(spellingsOf(policyFile));
  const rows = [
    ...token.map<Row>(([spelling, path]) => [`read_file, ${spelling}`, callOf('read_file', `{"path":"${path}"}`), denied]),
    ...policy.map<Row>(([spelling, path]) => [
      `write_file, ${spelling}`,
      callOf('write_file', `{"path":"${path}","text":"version: \\"1\\""}`),
      denied,
    ]),
    ...token.map<Row>(([spelling, path]) => [`deep, ${spelling}`, callOf('read_file', `{"a":[{"b":["${path}"]}]}`), denied]),
    ...token.map<Row>(([spelling, path]) => [`resources/read, ${spelling}`, request('resources/read', `{"uri":"${path}"}`), refusedMethod]),
    ...(['resources/subscribe', 'resources/unsubscribe', 'custom/read'] as const).map<Row>((method) => [
      method,
      request(method, `{"uri":"file://${home}/admin.token"}`),
      refusedMethod,
    ]),
    ['prompts/get', request('prompts/get', `{"name":"p","arguments":{"file":"${home}/admin.token"}}`), refusedMethod] as Row,
    [
      'completion/complete',
      request('completion/complete', `{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"f","value":"${home}/admin"}}`),
      { kind: 'either' },
    ] as Row,
    ['a notification', `{"jsonrpc":"2.0","method":"notifications/custom","params":{"path":"${home}/admin.token"}}`, nothing] as Row,
  ];
  return attacks("A4 Intercept's own files", rows);
}

function request(method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":${ID},"method":"${method}","params":${params}}`;
}

const RESULTS = {
  'resources/read': { contents: [] },
  'resources/subscribe': {},
  'resources/unsubscribe': {},
  'prompts/get': { messages: [] },
  'completion/complete': { completion: { values: [] } },
  'custom/read': {},
};
const EVERYTHING = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} };
/** Names that only Intercept's own files have, or ways into another process's view of them. */
const OWN = /admin\.token|policy\.yaml|(?:\/proc\/[^/"]+|\/dev)\/(?:root|cwd|fd)/i;

const ownFiles: Scene = {
  policy: `version: "1"\nname: own\ntools:\n${SAFE}\n`,
  server: {
    tools: [{ name: 'safe' }, { name: 'read_file' }, { name: 'write_file' }],
    methods: RESULTS,
    capabilities: EVERYTHING,
  },
  attacks: ownFileAttacks,
  isForbidden: (entry) => entry.type !== 'received' && OWN.test(decodeEscapes(entry.line)),
};

function decodeEscapes(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

// ── A12, A16: what stands beside the arguments, methods by other spellings ──

const BESIDE = attacks(
  'A12 members of a call that no revision has',
  ['options', 'input', 'args', 'confirm', 'Arguments2', 'x', '__proto__'].map<Row>((member) => [
    member,
    call(`"name":"safe","arguments":{"amount":1},"${member}":{"amount":9999}`),
    errorOf(-32602),
  ]),
);

const METHODS = attacks('A16 methods by another spelling', [
  ...(
    ['Resources/Read', 'RESOURCES/READ', 'resources/read ', ' resources/read', 'resources/read\\u0000', 're\\u00adsources/read'] as const
  ).map<Row>((method) => [method, request(method, '{"uri":"x"}'), errorOf(-32600)]),
  ['full-width', request('\uff52esources/read', '{"uri":"x"}'), errorOf(-32600)],
  ['a glob of the policy, capitals', request('Prompts/Get', '{"name":"p"}'), errorOf(-32600)],
  ['a full-width solidus', request('prompts\uff0fget', '{"name":"p"}'), errorOf(-32600)],
  ['tools/call in capitals', request('Tools/Call', '{"name":"danger","arguments":{}}'), errorOf(-32600)],
  ['as written', request('resources/read', '{"uri":"x"}'), refusedMethod],
  ['by the glob', request('prompts/get', '{"name":"p"}'), refusedMethod],
]);

const spellings: Scene = {
  policy: `version: "1"\nmethods: {resources/read: deny, "prompts/*": deny}\ntools:\n${SAFE}\n  danger: {rules: [{action: deny}]}\n`,
  server: { tools: [{ name: 'safe' }, { name: 'danger' }], methods: RESULTS, capabilities: EVERYTHING },
  attacks: () => [...BESIDE, ...METHODS],
  isForbidden: (entry) =>
    entry.type === 'executed'
      ? entry.tool !== 'safe' || entry.line.includes('9999')
      : entry.type === 'request' && /read|get|call/i.test(entry.method),
};

const UNKNOWN_METHODS = attacks('A16 under default: deny, methods that MCP does not know', [
  ...['tools/execute', 'tools/call/x', 'tools', 'danger', 'custom/do'].map<Row>((method) => [
    method,
    request(method, '{"name":"danger","arguments":{}}'),
    refusedMethod,
  ]),
  ['tools//call', request('tools//call', '{"name":"danger","arguments":{}}'), errorOf(-32600)],
  ['a notification', '{"jsonrpc":"2.0","method":"notifications/custom/do","params":{"name":"danger"}}', nothing],
  ['a notification of tools', '{"jsonrpc":"2.0","method":"tools/execute","params":{"name":"danger"}}', nothing],
]);

const unknownMethods: Scene = {
  policy: `version: "1"\ndefault: deny\ntools:\n${SAFE}\n`,
  server: { tools: [{ name: 'safe' }, { name: 'danger' }] },
  attacks: () => UNKNOWN_METHODS,
  isForbidden: (entry) => entry.type !== 'received' && entry.line.includes('danger'),
};

// ── A13: while all is paused ──

const PAUSED = attacks('A13 while all is paused', [
  ['a call', callOf('safe', '{"amount":1}'), denied],
  ['a call without an id', call('"name":"safe","arguments":{"amount":1}', ''), nothing],
  ['resources/read', request('resources/read', '{"uri":"x"}'), refusedMethod],
  ['prompts/get', request('prompts/get', '{"name":"p"}'), refusedMethod],
  ['custom/read', request('custom/read', '{}'), refusedMethod],
  ...[
    ...[
      'completion/complete',
      'logging/setLevel',
      'subscriptions/listen',
      'resources/subscribe',
      'resources/directory/read',
      'custom/list',
    ],
    ...['sampling/createMessage', 'elicitation/create'],
  ].map<Row>((method) => [method, request(method, '{}'), refusedMethod]),
  // Where agents share a server, a task of nobody's is answered for before the pause is.
  ...['tasks/get', 'tasks/result', 'tasks/update', 'tasks/cancel'].map<Row>((method) => [
    method,
    request(method, '{"taskId":"x"}'),
    { kind: 'either' },
  ]),
  ['notifications/progress', '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}', nothing],
  ['notifications/tasks/status', '{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"x"}}', nothing],
  ['a notification of its own', '{"jsonrpc":"2.0","method":"notifications/custom/do","params":{"name":"danger"}}', nothing],
  ['notifications/roots/list_changed', '{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}', nothing],
]);

const paused: Scene = {
  policy: `version: "1"\nname: paused\ntools:\n${SAFE}\n`,
  server: { tools: [{ name: 'safe' }], methods: RESULTS, capabilities: EVERYTHING },
  attacks: () => PAUSED,
  isForbidden: (entry) =>
    entry.type !== 'received' && !/"method":"(?:ping|initialize|notifications\/initialized|tools\/list)"/.test(entry.line),
  paused: true,
};

export const SCENES: Readonly<Record<string, Scene>> = {
  'look-alike keys': lookalikes,
  'its own files': ownFiles,
  'other spellings': spellings,
  'unknown methods': unknownMethods,
  'a pause': paused,
};
