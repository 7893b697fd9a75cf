/** What the policy hides stays hidden on every way that a list can take to the agent (wire.md §2.9, §3). */
import { describe, expect, test } from 'bun:test';
import { isAnswer } from '../../harness/client.ts';
import { BUN, temporaryFolder } from '../../harness/paths.ts';
import { startProxy } from '../../harness/proxy.ts';
import { setUpRecorder } from '../../harness/recorder.ts';

const SECRET = 'secret_tool';
const POLICIES: Readonly<Record<string, string>> = {
  hide: `version: "1"\nhide: [${SECRET}]\n`,
  'default deny': 'version: "1"\ndefault: deny\ntools:\n  shown: {rules: []}\n',
};

/** A server that answers each request with the lines for its number, `$ID` being its id. */
async function withLists(policy: string, lines: readonly (readonly string[])[]) {
  const { path, remove } = await temporaryFolder();
  const file = `${path}/server.mjs`;
  await Bun.write(
    file,
    `import { createInterface } from 'node:readline';
const answers = ${JSON.stringify(lines)};
let n = 0;
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id } = JSON.parse(line);
  if (id === undefined) return;
  for (const text of answers[n++] ?? []) process.stdout.write(text.replaceAll('$ID', JSON.stringify(id)) + '\\n');
});`,
  );
  const proxy = await startProxy({ policy, server: [BUN, file] });
  return {
    client: proxy.client,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await remove();
    },
  };
}

const tool = (name: string) => `{"name":${JSON.stringify(name)},"inputSchema":{"type":"object"}}`;
const page = (tools: string, more = '') => `{"jsonrpc":"2.0","id":$ID,"result":{"tools":[${tools}]${more}}}`;
const PONG = '{"jsonrpc":"2.0","id":$ID,"result":{}}';
const BOTH = page(`${tool('shown')},${tool(SECRET)}`);

/** What the server writes in answer to `tools/list`, and whether the agent sees a page (else an error). */
const ROWS: readonly (readonly [string, readonly string[], 'page' | 'error'])[] = [
  ['a plain list', [BOTH], 'page'],
  ['hidden first', [page(`${tool(SECRET)},${tool('shown')}`)], 'page'],
  ['an escaped name', [page(`${tool('shown')},${tool(SECRET).replace('secret', 's\\u0065cret')}`)], 'page'],
  ['a page with a cursor', [page(`${tool(SECRET)},${tool('shown')}`, ',"nextCursor":"x"')], 'page'],
  ['the same name twice', [page(`${tool(SECRET)},${tool('shown')},${tool(SECRET)}`)], 'page'],
  ['two answers', [BOTH, BOTH], 'page'],
  ['an entry with two names', [page(`{"name":"shown","name":"${SECRET}","inputSchema":{}}`)], 'error'],
  ['an entry with two names, one escaped', [page(`{"name":"shown","n\\u0061me":"${SECRET}","inputSchema":{}}`)], 'error'],
  ['an entry with Name', [page(`{"name":"shown","Name":"${SECRET}","inputSchema":{}}`)], 'error'],
  ['an entry that is a text', [page(`${tool('shown')},"${SECRET}"`)], 'page'],
  ['an entry without a name', [page(`${tool('shown')},{"title":"${SECRET}"}`)], 'page'],
  ['a name that is a list', [page(`${tool('shown')},{"name":["${SECRET}"]}`)], 'page'],
  ['an entry that is null', [page(`${tool('shown')},null`)], 'page'],
  ['a name with half a surrogate pair', [page(`${tool('shown')},{"name":"${SECRET}\\ud800"}`)], 'error'],
  ['tools twice', [page(tool('shown'), `,"tools":[${tool(SECRET)}]`)], 'error'],
  ['Tools beside tools', [page(tool('shown'), `,"Tools":[${tool(SECRET)}]`)], 'error'],
  ['tools as an object', [`{"jsonrpc":"2.0","id":$ID,"result":{"tools":{"0":${tool(SECRET)}}}}`], 'error'],
  ['the result twice', [BOTH.replace(/}$/, `,"result":{"tools":[${tool(SECRET)}]}}`)], 'error'],
  ['the result as a list', [`{"jsonrpc":"2.0","id":$ID,"result":[${tool(SECRET)}]}`], 'error'],
  ['a cursor that is a list of tools', [page(tool('shown'), `,"nextCursor":[${tool(SECRET)}]`)], 'error'],
  ['the list in a batch', [`[${BOTH}]`], 'page'],
  ['an error beside the list', [BOTH.replace(/}$/, `,"error":{"code":1,"message":"${SECRET}"}}`)], 'error'],
];

describe.each(Object.entries(POLICIES))('%s', (_, policy) => {
  test.each(ROWS)('%s: one answer, and not a byte of what is hidden', async (_, lines, kind) => {
    await using s = await withLists(policy, [lines, [PONG]]);
    s.client.sendLine({ jsonrpc: '2.0', id: 'list', method: 'tools/list' });
    await s.client.request('ping');
    const answers = s.client.frames.slice(0, -1);
    expect(answers.length).toBe(1);
    expect(answers[0]?.text).not.toContain(SECRET);
    expect(answers[0]?.text.includes('"error"') ? 'error' : 'page').toBe(kind);
    if (kind === 'page') expect(answers[0]?.text).toContain('"shown"');
  });

  test('a list that comes after it was cancelled, or under the id of another request', async () => {
    await using s = await withLists(policy, [[], [BOTH.replace('$ID', '"list"'), BOTH.replace('$ID', '"nobody"'), PONG]]);
    s.client.sendLine({ jsonrpc: '2.0', id: 'list', method: 'tools/list' });
    s.client.sendLine({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'list' } });
    await s.client.request('ping');
    expect(s.client.frames.map(({ text }) => text).join()).not.toContain(SECRET);
  });
});

test('a hidden tool is not on any page, and is not there when it is called (policy.md §5.2)', async () => {
  await using recorder = await setUpRecorder({ tools: [SECRET, 'a', 'b', `${SECRET}_2`, 'c'].map((name) => ({ name })), pageSize: 2 });
  await using proxy = await startProxy({ policy: `version: "1"\nhide: ["${SECRET}*"]\n`, server: recorder.command });
  await proxy.client.initialize();
  const names: string[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const { result } = await proxy.client.request('tools/list', cursor === undefined ? {} : { cursor });
    names.push(...result.tools.map(({ name }: { readonly name: string }) => name));
    cursor = result.nextCursor;
  }
  expect(names).toEqual(['a', 'b', 'c']);
  for (const name of [SECRET, `${SECRET}_2`, `${SECRET.toUpperCase()} `]) {
    const answer = await proxy.client.request('tools/call', { name });
    expect(answer.result._meta['policylayer.com/decision'].code).toBe('hidden');
  }
  expect(await recorder.executed()).toEqual([]);
});

test('a call that names a tool in another request than a call executes nothing', async () => {
  await using recorder = await setUpRecorder({ tools: [{ name: SECRET }] });
  await using proxy = await startProxy({ policy: `version: "1"\ndefault: deny\n`, server: recorder.command });
  await proxy.client.initialize();
  // SPEC: wire.md §2.4: what only looks like a method of MCP is refused; another method is one that the policy does not allow.
  const alike = ['tools/Call', 'tools/call ', 'TOOLS/CALL', '\u0000tools/call', 'tools.call'];
  const others = ['tools/invoke'];
  for (const [code, methods] of [
    [-32600, alike],
    [-32010, others],
  ] as const)
    for (const method of methods) {
      proxy.client.sendLine({ jsonrpc: '2.0', id: method, method, params: { name: SECRET } });
      expect([method, (await proxy.client.next((frame) => isAnswer(frame, method))).json?.error?.code]).toEqual([method, code]);
    }
  expect(await recorder.executed()).toEqual([]);
});

const OWN = ['$HOME', '$HOME/state/intercept.sqlite', '$HOME/../$LAST/events', 'file://$HOME/state', '$POLICY'];
test.each(OWN)('a path of the proxy in the arguments is denied, however deep (policy.md §5.1): %s', async (spelling) => {
  await using recorder = await setUpRecorder({ tools: [{ name: 'read' }] });
  await using proxy = await startProxy({ policy: 'version: "1"\n', server: recorder.command });
  await proxy.client.initialize();
  const path = spelling
    .replace('$HOME', proxy.home)
    .replace('$LAST', proxy.home.split('/').at(-1) ?? '')
    .replace('$POLICY', proxy.policyFile);
  for (const args of [{ path }, { a: [{ b: path }] }, { [path]: 1 }, { path: path.toUpperCase() }, { path: path.replaceAll('/', '\\') }]) {
    const answer = await proxy.client.request('tools/call', { name: 'read', arguments: args });
    expect(answer.result._meta?.['policylayer.com/decision']?.code).toBe('self');
  }
  expect(await recorder.executed()).toEqual([]);
});
