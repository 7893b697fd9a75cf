/** The real disk: links, FIFOs, sizes, and no error that ends anything. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { thisWorld } from '../../../src/setup/clients/disk.ts';
import { findClientFiles } from '../../../src/setup/clients/find.ts';
import { temporaryFolder } from '../../harness/paths.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

test('a home of files, links, a FIFO and a folder in the place of a file', () => {
  const home = join(realpathSync(folder.path), 'home');
  const put = (name: string, text: string) => {
    mkdirSync(join(home, name, '..'), { recursive: true });
    writeFileSync(join(home, name), text);
  };
  put('dot/cursor.json', '{"mcpServers": {"one": {"command": "srv"}}}');
  put('.lmstudio/mcp.json', '{"mcpServers": ');
  put('.kiro/settings/x', '');
  put('.junie/mcp/mcp.json/x', '');
  mkdirSync(join(home, '.cursor'));
  mkdirSync(join(home, '.factory'));
  symlinkSync('../dot/cursor.json', join(home, '.cursor/mcp.json'));
  symlinkSync('nowhere', join(home, '.factory/mcp.json'));
  execFileSync('mkfifo', [join(home, '.kiro/settings/mcp.json')]);
  chmodSync(join(home, 'dot/cursor.json'), 0o400);
  const { files } = findClientFiles(thisWorld({ HOME: home }, home));
  expect(files.map(({ path, realPath, unreadable, servers }) => [path, realPath, unreadable, servers.map(({ name }) => name)])).toEqual([
    [join(home, '.cursor/mcp.json'), join(home, 'dot/cursor.json'), undefined, ['one']],
    [join(home, '.kiro/settings/mcp.json'), join(home, '.kiro/settings/mcp.json'), 'it is no ordinary file', []],
    [join(home, '.lmstudio/mcp.json'), join(home, '.lmstudio/mcp.json'), 'it cannot be read as JSON: line 1: value expected', []],
  ]);
});

test('what cannot be read is said', () => {
  const { disk } = thisWorld({}, folder.path);
  writeFileSync(join(folder.path, 'big'), 'xxxx');
  expect(disk.read(join(folder.path, 'none'), 9)).toBe('does not exist');
  expect(disk.read(folder.path, 9)).toBe('is no ordinary file');
  expect(disk.read(join(folder.path, 'big'), 2)).toStartWith('is larger than');
  expect(disk.read(join(folder.path, 'big'), 4)).toEqual(new TextEncoder().encode('xxxx'));
  expect([disk.list(join(folder.path, 'none')), disk.look(join(folder.path, 'none')), disk.realPath('/none/x')]).toEqual([
    [],
    undefined,
    undefined,
  ]);
});
