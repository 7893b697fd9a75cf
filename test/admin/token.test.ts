/** The file of the admin token (cli.md §3). */
import { expect, test } from 'bun:test';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadToken, TokenError } from '../../src/admin/token.ts';
import { temporaryFolder } from '../harness/paths.ts';

test('cli.md §3: it is made at first use, for its owner only, and stays', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const home = join(path, 'home');
    const token = loadToken(home);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(readFileSync(join(home, 'admin.token'), 'utf8')).toBe(`${token}\n`);
    expect(statSync(join(home, 'admin.token')).mode & 0o777).toBe(0o600);
    expect(loadToken(home)).toBe(token);
    expect(readdirSync(home)).toEqual(['admin.token']);
    chmodSync(join(home, 'admin.token'), 0o644);
    loadToken(home);
    expect(statSync(join(home, 'admin.token')).mode & 0o777).toBe(0o600);
  } finally {
    await remove();
  }
});

test('cli.md §3: a file that holds no token is refused, and not replaced', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    for (const text of ['', 'short\n', `${'x'.repeat(43)} and more`]) {
      writeFileSync(join(path, 'admin.token'), text);
      expect(() => loadToken(path)).toThrow(TokenError);
      expect(readFileSync(join(path, 'admin.token'), 'utf8')).toBe(text);
    }
  } finally {
    await remove();
  }
});
