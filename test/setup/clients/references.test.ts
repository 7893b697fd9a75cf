/** References as each client resolves them, and none that is run. */
import { expect, test } from 'bun:test';
import type { Dialect } from '../../../src/setup/clients/ids.ts';
import { lockOf } from '../../../src/setup/clients/locks.ts';
import { referencesIn, resolveReferences } from '../../../src/setup/clients/references.ts';
import type { Disk, World } from '../../../src/setup/clients/types.ts';

const DISK: Disk = {
  look: () => undefined,
  realPath: () => undefined,
  read: (path) => (path === '/home/me/token' ? new TextEncoder().encode('t0k\n') : 'does not exist'),
  list: () => [],
};
const WORLD: World = { platform: 'linux', home: '/home/me', cwd: '/w', env: { K: 'value', EMPTY: '' }, disk: DISK };

test.each<[Dialect, string, string | undefined]>([
  ['none', '${K} $K %K%', '${K} $K %K%'],
  ['braces', 'a ${K} $K', 'a value $K'],
  ['braces', '${NO:-other}', 'other'],
  ['braces', '${NO}', undefined],
  ['braces', '$(touch /tmp/x)', '$(touch /tmp/x)'],
  ['env-colon', '${env:K}${userHome}/${workspaceFolderBasename}', 'value/home/me/project'],
  ['env-colon', 'a${env:NO}b', 'ab'],
  ['vscode', '${workspaceFolder}${pathSeparator}x', '/p/project/x'],
  ['vscode', '${input:key}', undefined],
  ['vscode', '${command:a.b}', undefined],
  ['env-file', '${file:~/token} ${env:EMPTY}', 't0k '],
  ['env-file', '${file:/none}', undefined],
  ['shell-words', '$K-${K}-${NO:-d} %K%', 'value-value-d %K%'],
  ['curly-env', '{env:K}{env:NO} ${K}', 'value ${K}'],
  ['curly-env', '{file:/home/me/token}', 't0k'],
  ['secrets', '${{ secrets.K }}', undefined],
  ['shell', '$K $NO', 'value '],
  ['shell', '$(touch /tmp/x)', undefined],
  ['shell', 'a `id` b', undefined],
])('%s: %s', (dialect, text, value) => {
  const resolved = resolveReferences(text, dialect, WORLD, { project: '/p/project' });
  expect(resolved.kind === 'value' ? resolved.value : undefined).toBe(value);
});

test('on Windows, case of names and %V%', () => {
  const world: World = { ...WORLD, platform: 'win32' };
  expect(resolveReferences('%k% ${k}', 'shell-words', world)).toEqual({ kind: 'value', value: 'value value' });
});

test('an input is asked for by its id', () => {
  expect(resolveReferences('Bearer ${input:key}', 'vscode', WORLD)).toEqual({ kind: 'asks', ids: ['key'] });
  const answers = new Map([['key', 'k']]);
  expect(resolveReferences('Bearer ${input:key}', 'vscode', WORLD, { answers })).toEqual({ kind: 'value', value: 'Bearer k' });
  expect(referencesIn('${K} ${env:K} ${input:key}', 'vscode', WORLD)).toEqual(['${env:K}', '${input:key}']);
});

test('locks are those that clients take', () => {
  const reader = { name: '', scope: 'user' as const, installed: true };
  expect(lockOf({ readers: [{ ...reader, client: 'claude-code' }] })).toBe('folder');
  expect(lockOf({ readers: [{ ...reader, client: 'claude-code', scope: 'project' }] })).toBeUndefined();
  expect(
    lockOf({
      readers: [
        { ...reader, client: 'cursor' },
        { ...reader, client: 'cline' },
      ],
    }),
  ).toBe('owner-folder');
});
