/** setup.md §3.1: an entry is covered only where a known Intercept enforces a policy that is there. */
import { describe, expect, test } from 'bun:test';
import { COMMANDS } from '../../../src/cli/program.ts';
import type { LocalEntry } from '../../../src/setup/clients/types.ts';
import { type CoverageWays, coverageOf, identityOf, PROXY_FLAGS } from '../../../src/setup/init/coverage.ts';

const WAYS: CoverageWays = {
  ownWords: ([program]) => (program === '/bin/intercept' ? 1 : 0),
  programFault: () => undefined,
  locate: (policy) => (policy.startsWith('/') ? policy : undefined),
  policyFault: (path) => (path === '/p.yaml' ? undefined : `its policy ${path} is none`),
};

function entryOf(command: string, ...args: readonly string[]): LocalEntry {
  return { kind: 'local', value: null, command, args, env: new Map(), cwd: undefined };
}

const stateOf = (command: string, ...args: readonly string[]) => {
  const coverage = coverageOf(entryOf(command, ...args), WAYS);
  return coverage.kind === 'weak' ? coverage.why : coverage.kind;
};

describe('an entry', () => {
  test('is covered by a known program, a policy and a server', () => {
    expect(stateOf('/bin/intercept', '-c', '/p.yaml', '--', 'x')).toBe('covered');
    expect(stateOf('/bin/intercept', '--config=/p.yaml', '--agent', 'cursor', '--upstream', 'https://x')).toBe('covered');
    expect(stateOf('npx', '-y', '@policylayer/intercept@1.2.3', '-c', '/p.yaml', '--', 'x')).toBe('covered');
    expect(stateOf('cmd', '/c', 'npx', '-y', '@policylayer/intercept@1.2.3', '-c', '/p.yaml', '--', 'x')).toBe('covered');
  });

  test('is open with any other program, whatever its name', () => {
    for (const words of [
      ['intercept', '-c', '/p.yaml', '--', 'x'],
      ['./intercept', '-c', '/p.yaml', '--', 'x'],
      ['npx', '-y', '@policylayer/intercept', '-c', '/p.yaml', '--', 'x'],
      ['npx', '-y', '@policylayer/intercept@latest', '-c', '/p.yaml', '--', 'x'],
      ['npx', '-y', 'intercept@1.2.3', '-c', '/p.yaml', '--', 'x'],
      ['sh', '-c', '/bin/intercept -c /p.yaml -- x'],
      ['/bin/evil', '/bin/intercept', '-c', '/p.yaml', '--', 'x'],
    ] as const)
      expect([words, stateOf(words[0], ...words.slice(1))]).toEqual([words, 'open']);
  });

  test('is not covered where something weakens it', () => {
    expect(stateOf('/bin/intercept', '-c', '/p.yaml', '--shadow', '--', 'x')).toBe('it is started with "--shadow"');
    expect(stateOf('/bin/intercept', '--allow-self', '-c', '/p.yaml', '--', 'x')).toBe('it is started with "--allow-self"');
    expect(stateOf('/bin/intercept', '-c', '/p.yaml', '--state-fail-mode', 'open', '--', 'x')).toBe(
      'it is started with "--state-fail-mode"',
    );
    expect(stateOf('/bin/intercept', '-c', '/p.yaml', '--new-flag', '--', 'x')).toBe('it is started with "--new-flag"');
    expect(stateOf('/bin/intercept', '-c', '/p.yaml', '-c', '/q.yaml', '--', 'x')).toBe('it names no policy');
    expect(stateOf('/bin/intercept', '-c', '/q.yaml', '--', 'x')).toBe('its policy /q.yaml is none');
    expect(stateOf('/bin/intercept', '-c', '/p.yaml')).toBe('it names no server');
    expect(stateOf('/bin/intercept', 'status')).toBe('it names no server');
    expect(stateOf('/bin/intercept', '-c', 'p.yaml', '--', 'x')).toBe('its policy "p.yaml" is another in each folder: name it whole');
    const npx = {
      ...entryOf('npx', '-y', '@policylayer/intercept@1.2.3', '-c', '/p.yaml', '--', 'x'),
      env: new Map([['npm_config_registry', 'https://x']]),
    };
    expect(coverageOf(npx, WAYS)).toMatchObject({ kind: 'weak', why: expect.stringContaining('"npm_config_registry"') });
    // A word of the server's is none of ours.
    expect(stateOf('/bin/intercept', '-c', '/p.yaml', '--', 'x', '--shadow')).toBe('covered');
  });
});

test('the original server is what it was before it was wrapped', () => {
  const plain = entryOf('npx', '-y', 'pkg');
  const wrapped = coverageOf(entryOf('/bin/intercept', '-c', '/p.yaml', '--agent', 'a', '--', 'npx', '-y', 'pkg'), WAYS);
  if (wrapped.kind !== 'covered' || !wrapped.wrapped.start) throw new Error('it is covered');
  expect(identityOf(wrapped.wrapped.start)).toBe(identityOf(plain));
  const bridge = coverageOf(
    {
      ...entryOf('/bin/intercept', '-c', '/p.yaml', '--upstream', 'https://x', '--header-env', 'Authorization=H0'),
      env: new Map([['H0', 'Bearer x']]),
    },
    WAYS,
  );
  if (bridge.kind !== 'covered' || !bridge.wrapped.start) throw new Error('it is covered');
  const remote = { kind: 'remote', url: 'https://x', headers: new Map([['authorization', 'Bearer x']]) } as const;
  expect(identityOf(bridge.wrapped.start)).toBe(identityOf(remote));
});

test('every flag of the proxy is known, but for those that listen', () => {
  const [proxy] = COMMANDS;
  const pages = Object.entries(proxy?.pages ?? {}).filter(([name]) => name !== 'listener');
  const flags = pages.flatMap(([, text]) =>
    [...text.replace(/^Example:.*(?:\n {8,}.*)*/gm, '').matchAll(/--[a-z][a-z-]+/g)].map(([flag]) => flag),
  );
  const others = new Set(['--transport', '--help', '--version']);
  expect([...new Set(flags)].filter((flag) => !PROXY_FLAGS.has(flag) && !others.has(flag))).toEqual([]);
});
