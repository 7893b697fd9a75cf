/** What is refused, and why; and entries that somebody changed since they were rewritten. */
import { describe, expect, test } from 'bun:test';
import { MAX_FILE } from '../../../src/setup/clients/format/text.ts';
import type { ShapeId } from '../../../src/setup/clients/ids.ts';
import type { EntryPath, FileFormat, Front, Rewrite } from '../../../src/setup/clients/types.ts';
import { planUnwrap, planUnwrapUnrecorded } from '../../../src/setup/clients/unwrap.ts';
import { type FileText, planBridge, planWrap } from '../../../src/setup/clients/wrap.ts';

const FRONT: Front = { program: '/opt/I', before: [], policy: '/p/P.yaml', agent: 'me', env: {} };
const AT: EntryPath = ['m', 'x'];
const fileOf = (text: string, format: FileFormat = 'json'): FileText => ({ bytes: new TextEncoder().encode(text), format });
const textOf = ({ bytes }: { readonly bytes: Uint8Array }) => new TextDecoder().decode(bytes);
const server = (shape: ShapeId, at = AT) => ({ name: 'x', at, shape });

describe('a file that nobody can edit safely', () => {
  const refused = (file: FileText, shape: ShapeId = 'plain', front = FRONT) => {
    const plan = planWrap(file, server(shape), front);
    return plan.kind === 'refused' ? plan.why : plan.kind;
  };
  test.each<[string, string, FileFormat, string]>([
    ['a key twice', '{"m": {"x": {"command": "a", "command": "b"}}}', 'json', 'line 1: the key "command" stands twice'],
    ['a key twice, elsewhere', '{\n"o": {"a": 1,\n"a": 2}, "m": {"x": {"command": "a"}}}', 'json', 'line 3: the key "a" stands twice'],
    ['broken JSON', '{"m": {"x": {"command": "a"', 'json', 'line 1: close brace expected'],
    ['no object', '[1]', 'json', 'it holds no object'],
    ['a key twice in TOML', '[m.x]\ncommand = "a"\ncommand = "b"', 'toml', 'line 3: defining a key multiple times is invalid'],
    ['an anchor', 'm:\n  x: &a\n    cmd: a\n  y: *a', 'yaml', 'an anchor stands at the entry: what is changed here would change elsewhere'],
    ['an alias', 'a: &a {cmd: b}\nm:\n  x: *a', 'yaml', 'its entry is no map'],
    [
      'an anchor above',
      'm: &m\n  x:\n    cmd: a\n    type: stdio',
      'yaml',
      'an anchor stands at the entry: what is changed here would change elsewhere',
    ],
    [
      'a merge key',
      'a: &a {type: stdio}\nm:\n  x:\n    <<: *a\n    cmd: b',
      'yaml',
      'a merge key stands at the entry: what is changed here would change elsewhere',
    ],
    [
      'a tag',
      'm:\n  x:\n    cmd: !!str a\n    type: stdio',
      'yaml',
      'a tag stands at the entry: what is changed here would change elsewhere',
    ],
    ['two documents', 'm:\n  x:\n    cmd: a\n---\nm: {}', 'yaml', 'it holds several documents'],
  ])('%s', (_, text, format, why) => {
    const shapes = { json: 'plain', toml: 'codex', yaml: 'goose' } as const;
    expect(refused(fileOf(text, format), shapes[format])).toBe(why);
  });

  test('too large, too deep, and bytes that are no text', () => {
    expect(refused({ bytes: new Uint8Array(MAX_FILE + 1), format: 'json' })).toBe('it is larger than 20 MiB');
    expect(refused({ bytes: new Uint8Array([0x7b, 0xff, 0x7d]), format: 'json' })).toBe('its bytes are no UTF-8');
    expect(refused(fileOf('['.repeat(200_000)))).toStartWith('it is nested too deeply');
    expect(refused(fileOf(`{"a": ${'['.repeat(50_000)}${']'.repeat(50_000)}, "m": {"x": {"command": "a"}}}`))).toStartWith(
      'it is nested too deeply',
    );
  });

  test.each(['/home/$USER/p.yaml', '/home/{a}/p.yaml', '/home/100%/p.yaml', '/a`b', '/a\nb', '-c'])('a policy at %j', (policy) => {
    const file = fileOf('{"m": {"x": {"command": "a"}}}');
    expect(planWrap(file, server('plain'), { ...FRONT, policy }).kind).toBe('refused');
  });

  test('a folder of the project is written where the client knows it', () => {
    const file = fileOf('{"m": {"x": {"command": "a"}}}');
    const front = { ...FRONT, policy: '${workspaceFolder}/.intercept/x.yaml' };
    expect(planWrap(file, server('cursor'), front).kind).toBe('rewrite');
    expect(planWrap(file, server('claude'), front).kind).toBe('refused');
    expect(planWrap(file, server('cursor'), { ...front, policy: '${workspaceFolder}/${x}.yaml' }).kind).toBe('refused');
  });

  test('a bridge that would mix a command and a URL, or lose a header', () => {
    const bridge = (text: string, shape: ShapeId, format: FileFormat = 'json') => planBridge(fileOf(text, format), server(shape), FRONT);
    expect(bridge('[m.x]\nurl = "https://x/"\nenv_vars = ["A"]', 'codex', 'toml').kind).toBe('refused');
    expect(bridge('{"m": {"x": {"url": "https://x/", "args": []}}}', 'plain').kind).toBe('refused');
    expect(bridge('{"m": {"x": {"url": "https://x/", "headers": {"A": null}}}}', 'plain').kind).toBe('refused');
    expect(bridge('{"m": {"x": {"url": "https://x/", "headers": {"A$": "b"}}}}', 'plain').kind).toBe('refused');
    expect(bridge('[m.x]\nurl = "https://x/"\nbearer_token_env_var = "A}$(id)"', 'codex', 'toml').kind).toBe('refused');
  });
});

describe('an entry that changed since', () => {
  const wrapped = (text: string, shape: ShapeId = 'plain', plan: typeof planWrap = planWrap): Rewrite => {
    const rewrite = plan(fileOf(text), server(shape), FRONT);
    if (rewrite.kind !== 'rewrite') throw new Error(rewrite.why);
    return rewrite;
  };
  const BEFORE = '{"m": {"x": {"command": "npx", "args": ["-y", "pkg@1"]}, "y": {}}}';

  test('gone, or taken back by hand: nothing is to be done', () => {
    const { record } = wrapped(BEFORE);
    expect(planUnwrap(fileOf('{"m": {}}'), record)).toEqual({ kind: 'nothing', why: 'the entry is not there any more' });
    expect(planUnwrap(fileOf(BEFORE.replace('"y"', '"z"')), record)).toEqual({ kind: 'nothing', why: 'the entry is as it was before' });
  });

  test('a newer version behind "--" is kept', () => {
    const { bytes, record } = wrapped(BEFORE);
    const back = planUnwrap(fileOf(textOf({ bytes }).replace('pkg@1', 'pkg@2')), record);
    expect(back).toMatchObject({ kind: 'unwrap', certainty: 'changed' });
    if (back.kind === 'unwrap') expect(textOf(back)).toBe(BEFORE.replace('pkg@1', 'pkg@2'));
  });

  test('words that were added behind a command without arguments are kept', () => {
    const { bytes, record } = wrapped('{"m": {"x": {"command": "srv"}}}');
    const back = planUnwrap(fileOf(textOf({ bytes }).replace('"srv"]', '"srv", "--more"]')), record);
    if (back.kind !== 'unwrap') throw new Error(back.why);
    expect(JSON.parse(textOf(back))).toEqual({ m: { x: { command: 'srv', args: ['--more'] } } });
  });

  test('another policy was written: what follows "--" comes back', () => {
    const { bytes, record } = wrapped(BEFORE);
    const back = planUnwrap(fileOf(textOf({ bytes }).replace('/p/P.yaml', '/p/mine.yaml')), record);
    expect(back).toMatchObject({ kind: 'unwrap', certainty: 'changed' });
    if (back.kind === 'unwrap') expect(textOf(back)).toBe(BEFORE);
  });

  test('a client that wrote its file anew: the entry comes back in its layout', () => {
    const { bytes, record } = wrapped(BEFORE);
    const anew = JSON.stringify({ ...JSON.parse(textOf({ bytes })), more: 1 }, null, 4);
    const back = planUnwrap(fileOf(anew), record);
    expect(back).toMatchObject({ kind: 'unwrap', certainty: 'exact' });
    if (back.kind === 'unwrap') expect(textOf(back)).toBe(JSON.stringify({ ...JSON.parse(BEFORE), more: 1 }, null, 4));
  });

  test('a bridge gives its headers back as they are now, and nothing that was added to them', () => {
    const remote = '{"m": {"x": {"url": "https://x/", "headers": {"Authorization": "Bearer a"}}}}';
    const { bytes, record } = wrapped(remote, 'plain', planBridge);
    const renewed = textOf({ bytes }).replace('Bearer a', 'Bearer b');
    const back = planUnwrap(fileOf(renewed), record);
    expect(back).toMatchObject({ kind: 'unwrap', certainty: 'changed' });
    if (back.kind === 'unwrap') expect(textOf(back)).toBe(remote.replace('Bearer a', 'Bearer b'));
    const more = textOf({ bytes }).replace('"ICPT_H0"', '"DEBUG": "1", "ICPT_H0"');
    expect(planUnwrap(fileOf(more), record)).toEqual({ kind: 'refused', why: '"DEBUG" was added there since: take it out first' });
  });

  test('without a record, an entry that is not wrapped stays', () => {
    expect(planUnwrapUnrecorded(fileOf(BEFORE), server('plain')).kind).toBe('refused');
    expect(planUnwrapUnrecorded(fileOf('{"m": {"x": {"command": "git", "args": ["log", "--", "a"]}}}'), server('plain')).kind).toBe(
      'refused',
    );
  });
});
