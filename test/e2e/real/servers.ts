/** Real MCP servers over stdio, of every revision, with what to ask each of them. All of it works offline. */
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUN, NODE, ROOT } from '../../harness/paths.ts';

export interface RealServer {
  readonly name: string;
  /** The revision it is asked for, and answers with. */
  readonly revision: '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28';
  /** `folder` holds its data. */
  readonly command: (folder: string) => readonly string[];
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /** Puts the folder into the state that a session starts from. */
  readonly prepare?: (folder: string) => Promise<void>;
  readonly capabilities?: object;
  /** Answers to the server's own requests, by method. */
  readonly replies?: Readonly<Record<string, object>>;
  /** A message that the server sends by itself after the handshake, to be awaited. */
  readonly greets?: string;
  /** Lists that it has. */
  readonly lists: readonly string[];
  /** Requests after the lists, as method and the JSON text of their params (in a modern session: without `_meta`). */
  readonly asks: (folder: string) => readonly (readonly [method: string, params: string])[];
  /** It never ends by itself when its stdin closes. */
  readonly hangs?: boolean;
}

const PACKAGES = join(ROOT, 'node_modules');
const OFFICIAL = join(PACKAGES, '@modelcontextprotocol');
const FIXTURES = join(ROOT, 'test/fixtures/servers');

/** Text that careless relays damage: line separators, surrogate pairs, escapes, control characters. */
const ODD_TEXT = '"é \\u00e9 \\ud83c\\udf89 🎉 \\u2028 \u2028 / \\/ \\u0000 \\" \\\\ <&>"';
/** Numbers that doubles damage. */
const ODD_NUMBERS = '[9007199254740993,1.0,1E+2,-0,0.1000,123456789012345678901234567890]';

const ALL_LISTS = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'];

/** A call as JSON text, with `_meta` and what else a revision lets stand beside the arguments. */
function call(name: string, args: string, more = ''): readonly [string, string] {
  return ['tools/call', `{ "name":"${name}","arguments":${args}${more}}`];
}

const META = `,"_meta":{"progressToken":"tok-\\u00e9","com.example/n":${ODD_NUMBERS},"unknown":{"b":1,"a":2}}`;

async function emptyFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}

const everything: RealServer = {
  name: 'server-everything',
  revision: '2025-11-25',
  command: () => [NODE, join(OFFICIAL, 'server-everything/dist/index.js'), 'stdio'],
  capabilities: { sampling: {}, elicitation: { form: {}, url: {} } },
  replies: {
    'sampling/createMessage': { role: 'assistant', model: 'test', content: { type: 'text', text: 'sampled 🎉' } },
    'elicitation/create': { action: 'decline' },
  },
  lists: ALL_LISTS,
  asks: () => [
    call('echo', `{"message":${ODD_TEXT},"extra":${ODD_NUMBERS}}`, META),
    call('get-sum', '{"b":2.50,"a":1}'),
    call('get-structured-content', '{"location":"Chicago"}'),
    call('get-tiny-image', '{}'),
    call('get-annotated-message', '{"messageType":"error","includeImage":true}'),
    call('get-resource-links', '{"count":3}'),
    call('trigger-long-running-operation', '{"duration":0.05,"steps":5}', ',"_meta":{"progressToken":7}'),
    call('trigger-sampling-request', '{"prompt":"hi","maxTokens":10}'),
    call('trigger-url-elicitation', '{"url":"https://example.com/a?b=c","errorPath":false}'),
    call('no-such-tool', '{}'),
    ['resources/read', '{"uri":"demo://resource/static/document/features.md"}'],
    ['resources/subscribe', '{"uri":"demo://resource/static/document/features.md"}'],
    ['prompts/get', '{"name":"args-prompt","arguments":{"city":"Zürich"}}'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"completable-prompt"},"argument":{"name":"department","value":"E"}}'],
    ['logging/setLevel', '{"level":"error"}'],
    ['ping', '{}'],
    ['com.example/unknown', '{"x":1}'],
  ],
};

const FIXED_TIME = new Date('2026-01-02T03:04:05Z');

const filesystem: RealServer = {
  name: 'server-filesystem',
  revision: '2025-11-25',
  command: (folder) => [NODE, join(OFFICIAL, 'server-filesystem/dist/index.js'), folder],
  prepare: async (folder) => {
    await emptyFolder(join(folder, 'docs'));
    await writeFile(join(folder, 'docs/ünï 🎉.txt'), 'one\r\ntwo\u2028three\n');
    await utimes(join(folder, 'docs/ünï 🎉.txt'), FIXED_TIME, FIXED_TIME);
  },
  capabilities: { roots: { listChanged: true } },
  replies: { 'roots/list': { roots: [] } },
  greets: 'roots/list',
  lists: ['tools/list'],
  asks: (folder) => [
    call('list_allowed_directories', '{}'),
    call('list_directory', JSON.stringify({ path: join(folder, 'docs') })),
    call('directory_tree', JSON.stringify({ path: folder })),
    call('read_text_file', JSON.stringify({ path: join(folder, 'docs/ünï 🎉.txt') }), META),
    call('read_text_file', '{"path":"/etc/hostname"}'),
    call('write_file', JSON.stringify({ path: join(folder, 'docs/new.txt'), content: 'x'.repeat(70_000) })),
    call('read_text_file', JSON.stringify({ path: join(folder, 'docs/new.txt') })),
    call('edit_file', JSON.stringify({ path: join(folder, 'docs/new.txt'), edits: [{ oldText: 'nope', newText: '' }] })),
    call('search_files', JSON.stringify({ path: folder, pattern: '**/*.txt' })),
  ],
};

const ENTITIES = `{"entities":[{"name":${ODD_TEXT},"entityType":"t","observations":["1",${ODD_TEXT}]}]}`;

const memory: RealServer = {
  name: 'server-memory',
  revision: '2025-06-18',
  command: () => [NODE, join(OFFICIAL, 'server-memory/dist/index.js')],
  env: (folder) => ({ MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }),
  prepare: emptyFolder,
  lists: ['tools/list', 'resources/list', 'resources/templates/list'],
  asks: () => [
    ['resources/subscribe', '{"uri":"memory://knowledge-graph"}'],
    call('create_entities', ENTITIES, META),
    call('search_nodes', '{"query":"🎉"}'),
    call('read_graph', '{}'),
    ['tools/call', '{"name":"read_graph"}'],
    ['resources/read', '{"uri":"memory://knowledge-graph"}'],
  ],
};

const sequentialThinking: RealServer = {
  name: 'server-sequential-thinking',
  revision: '2025-03-26',
  command: () => [NODE, join(OFFICIAL, 'server-sequential-thinking/dist/index.js')],
  lists: ['tools/list'],
  asks: () => [
    call('sequentialthinking', `{"thought":${ODD_TEXT},"thoughtNumber":1,"totalThoughts":2,"nextThoughtNeeded":true}`, META),
    call('sequentialthinking', '{"thought":"two","thoughtNumber":2.0,"totalThoughts":2,"nextThoughtNeeded":false}'),
    call('sequentialthinking', '{"thought":3}'),
  ],
};

const oldMemory: RealServer = {
  name: 'server-memory 0.6.2',
  revision: '2024-11-05',
  command: () => [NODE, join(PACKAGES, 'server-memory-2024/dist/index.js')],
  lists: ['tools/list'],
  // It keeps its graph beside its own code: read only.
  asks: () => [call('read_graph', '{}', META), call('search_nodes', `{"query":${ODD_TEXT}}`), call('nope', '{}')],
};

const oldEverything: RealServer = {
  name: 'server-everything 0.6.2',
  revision: '2024-11-05',
  command: () => [NODE, join(PACKAGES, 'server-everything-2024/dist/index.js')],
  hangs: true,
  lists: ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list'],
  asks: () => [
    call('echo', `{"message":${ODD_TEXT}}`, META),
    call('add', '{"a":1e2,"b":0.5}'),
    call('longRunningOperation', '{"duration":0.05,"steps":5}', ',"_meta":{"progressToken":0}'),
    ['prompts/get', '{"name":"complex_prompt","arguments":{"temperature":"0.7"}}'],
    ['resources/read', '{"uri":"test://static/resource/1"}'],
  ],
};

/** What the fixtures on older SDKs are asked. */
const PAGED_ASKS: readonly (readonly [string, string])[] = [
  call('echo', `{"text":${ODD_TEXT},"numbers":${ODD_NUMBERS}}`, META),
  call('add', '{"a":9007199254740993,"b":1}'),
  call('count', '{}', ',"_meta":{"progressToken":"c"}'),
  call('fail', '{}'),
  ['resources/read', '{"uri":"demo://one"}'],
  ['prompts/get', '{"name":"greet"}'],
];

function paged(name: 'sdk-1.12' | 'sdk-1.20', revision: RealServer['revision']): RealServer {
  const lists = ['tools/list', 'resources/list', 'prompts/list'];
  return { name, revision, command: () => [BUN, join(FIXTURES, `${name}.ts`)], lists, asks: () => PAGED_ASKS };
}

const company: RealServer = {
  name: 'examples/server.ts',
  revision: '2026-07-28',
  command: () => [BUN, join(ROOT, 'examples/server.ts')],
  lists: ['tools/list'],
  asks: () => [
    call('create_refund', '{"charge":"ch_1","amount":2.5e5,"unknown":[1.0]}'),
    call('list_customers', `{"limit":2,"extra":${ODD_NUMBERS}}`),
    call('list_issues', '{"owner":"my-org","repo":"api"}'),
    call('drop_table', '{"table":"nope"}'),
    call('send_email', `{"to":["a@example.com"],"subject":${ODD_TEXT},"body":""}`),
    call('nope', '{}'),
    ['ping', '{}'],
  ],
};

const modernFixture: RealServer = {
  name: 'modern fixture',
  revision: '2026-07-28',
  command: () => [BUN, join(FIXTURES, 'modern.ts')],
  capabilities: { elicitation: { form: {} } },
  lists: ALL_LISTS,
  asks: () => [
    call('add', '{"a":1,"b":2}'),
    call('transfer', '{"amount":10,"to":"Zoë"}'),
    call(
      'transfer',
      '{"amount":10,"to":"Zoë"}',
      ',"inputResponses":{"confirm":{"action":"accept","content":{"answer":"yes"}}},"requestState":"transfer:10:Zo\\u00eb"',
    ),
    call('count', '{"to":3}'),
    call('grow', '{}'),
    ['resources/read', '{"uri":"demo://note"}'],
    ['prompts/get', '{"name":"greet"}'],
  ],
};

const context7: RealServer = {
  name: 'context7',
  revision: '2026-07-28',
  command: () => [NODE, join(PACKAGES, '@upstash/context7-mcp/dist/index.js')],
  lists: ALL_LISTS,
  // Its tools need the network: listed only.
  asks: () => [],
};

export const REAL_SERVERS: readonly RealServer[] = [
  everything,
  filesystem,
  memory,
  sequentialThinking,
  oldMemory,
  oldEverything,
  paged('sdk-1.12', '2025-03-26'),
  paged('sdk-1.20', '2025-06-18'),
  company,
  modernFixture,
  context7,
];
