/** Every row of the table, on every platform: its file is found, read, rewritten and taken back. */
import { describe, expect, test } from 'bun:test';
import { findClientFiles } from '../../../src/setup/clients/find.ts';
import { existing } from '../../../src/setup/clients/paths.ts';
import { SHAPES } from '../../../src/setup/clients/shapes.ts';
import { CLIENTS } from '../../../src/setup/clients/table.ts';
import type { ClientFile, Front, Platform } from '../../../src/setup/clients/types.ts';
import { planUnwrap } from '../../../src/setup/clients/unwrap.ts';
import { planBridge, planWrap } from '../../../src/setup/clients/wrap.ts';
import { fileOf, LAYOUTS, type Layout, localEntry, remoteEntry } from './samples.ts';
import { type Machine, worldOf } from './worlds.ts';

const FRONT: Front = { program: '/opt/intercept', before: [], policy: '/p/x.yaml', agent: 'me', env: { INTERCEPT_HOME: '/h' } };
const PROJECTS: Readonly<Record<Platform, string>> = { linux: '/w/repo', darwin: '/w/repo', win32: 'C:\\w\\repo' };

/** Each file that the table names on a platform. */
const FILES = (['linux', 'darwin', 'win32'] as const).flatMap((platform) => {
  const world = worldOf({ platform, cwd: PROJECTS[platform], env: { OPENCODE_CONFIG: PROJECTS[platform].replace('repo', 'own.json') } });
  const all = {
    ...world,
    disk: { ...world.disk, look: () => ({ kind: 'file' as const, size: 1 }), list: () => ['abc.json', 'abc.yaml', 'abc'] },
  };
  return CLIENTS.flatMap((client) =>
    client.files.flatMap((row) =>
      existing(row.path, all, PROJECTS[platform])
        .slice(0, 1)
        .map((path) => ({ platform, client, row, path, id: client.id })),
    ),
  );
});

function machineOf(platform: Platform, path: string, content: string | Uint8Array): Machine {
  const git = platform === 'win32' ? '\\.git\\HEAD' : '/.git/HEAD';
  const env: Readonly<Record<string, string>> = path.includes('own.json') ? { OPENCODE_CONFIG: path } : {};
  return { platform, cwd: PROJECTS[platform], env, files: { [path]: content, [PROJECTS[platform] + git]: '' } };
}

function only(files: readonly ClientFile[]): ClientFile {
  const [file, ...others] = files;
  if (!file || others.length > 0) throw new Error(`not one file: ${files.map(({ path }) => path).join(', ')}`);
  return file;
}

describe.each(FILES)('$platform, $id: $path', ({ platform, client, row, path }) => {
  const shape = row.shape ?? client.shape;
  const format = row.format ?? client.format;
  const at = (row.at ?? client.at).map((key) => (key === '*' ? PROJECTS[platform] : key));
  const isList = SHAPES[shape].isList ?? false;
  const isOnlyLeft = FILES.every((other) => other.platform !== platform || other.path !== path || other.row.leave !== undefined);
  const remote = remoteEntry(shape);
  const entries = [
    { name: 'one', entry: localEntry(shape) },
    ...(remote === undefined ? [] : [{ name: 'two', entry: remote }]),
    { name: 'three', entry: localEntry(shape) },
  ];

  const tried = (layout: Layout) => {
    const text = fileOf(format, at, isList, entries, layout);
    const { files } = findClientFiles(worldOf(machineOf(platform, path, text)));
    const file = only(files);
    expect(file.unreadable).toBeUndefined();
    expect(file.readers.map(({ client: id }) => id)).toContain(client.id);
    expect(file.untouchable !== undefined).toBe(isOnlyLeft);
    const servers = file.servers.filter(({ readers }) =>
      readers.some((reader) => reader.client === client.id && reader.scope === row.scope),
    );
    expect(servers.map(({ name }) => name)).toEqual(entries.map(({ name }) => name));
    if (row.leave !== undefined) {
      expect(servers.map(({ leave }) => leave)).toEqual(servers.map(() => row.leave));
      return;
    }
    let bytes = file.bytes ?? new Uint8Array();
    const before = bytes;
    const records = servers.map((server) => {
      expect(server.leave).toBeUndefined();
      const rewrite = (server.entry.kind === 'remote' ? planBridge : planWrap)({ bytes, format: file.format }, server, FRONT);
      if (rewrite.kind !== 'rewrite') throw new Error(`${server.name}: ${rewrite.why}\n${text}`);
      bytes = rewrite.bytes;
      return rewrite.record;
    });
    const wrapped = only(findClientFiles(worldOf(machineOf(platform, path, bytes))).files);
    expect(
      wrapped.servers.map(({ entry }) => entry.kind === 'local' && [entry.command, entry.args[1], entry.env.get('INTERCEPT_HOME')]),
    ).toEqual(wrapped.servers.map(() => ['/opt/intercept', '/p/x.yaml', '/h']));
    for (const order of [records, records.toReversed()]) {
      const after = order.reduce((present, record) => {
        const back = planUnwrap({ bytes: present, format: file.format }, record);
        if (back.kind !== 'unwrap') throw new Error(back.why);
        return back.bytes;
      }, bytes);
      expect(Buffer.from(after).equals(before)).toBe(true);
    }
  };

  test('found, read, rewritten and taken back, in every layout', () => {
    // The text does not depend on the platform: one of them takes all layouts.
    for (const layout of platform === 'linux' ? LAYOUTS : (['plain', 'crlf'] as const)) tried(layout);
  });

  test('empty, broken, and twice the same key', () => {
    const look = (content: string | Uint8Array) => only(findClientFiles(worldOf(machineOf(platform, path, content))).files);
    expect(look('').servers).toEqual([]);
    expect(look('').unreadable).toBeUndefined();
    const twice = { json: '{"a": 1, "b": {"c": 1, "c": 2}}', toml: 'a = 1\na = 2', yaml: 'a: 1\na: 2' }[format];
    expect(look(twice).unreadable).toContain('line ');
    expect(look(new Uint8Array([0xff, 0xfe, 0x7b])).unreadable).toBe(
      `it cannot be read as ${format.toUpperCase()}: its bytes are no UTF-8`,
    );
    expect(look({ json: '{"a": ', toml: 'a = [', yaml: 'a: [' }[format]).unreadable).toBeString();
  });
});
