import { describe, expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Instance } from '../../src/core/store.ts';
import { liveInstances } from '../../src/run/instances.ts';
import { BUN, interceptCommand } from '../harness/paths.ts';
import { openFolder } from './run.ts';

function instance(fields: Partial<Instance>): Instance {
  return {
    id: 'i',
    pid: process.pid,
    host: hostname(),
    namespace: 'n',
    policy: 'demo',
    upstream: 'server',
    revision: 'r',
    startedAt: 0,
    confirmed: 0,
    seenAt: 0,
    ...fields,
  };
}

describe('policy.md §11: which instances live', () => {
  test('here by their process, elsewhere by when they were seen', () => {
    const dead = 2 ** 22 + 12345;
    const all = [
      instance({ id: 'here' }),
      instance({ id: 'gone', pid: dead }),
      instance({ id: 'there', host: 'other', pid: dead, seenAt: 86_000 }),
      instance({ id: 'silent', host: 'other', seenAt: 84_999 }),
    ];
    expect(liveInstances(all, 100_000).map(({ id }) => id)).toEqual(['here', 'there']);
  });
});

describe('cli.md §1: status', () => {
  test('works where nothing exists, and makes nothing', async () => {
    using folder = openFolder();
    const { status, out } = await folder.run('status');
    expect(out).toContain('no proxy has run with it yet');
    expect(status).toBe(0);
    expect(existsSync(join(folder.path, 'home'))).toBe(false);
    expect(JSON.parse((await folder.run('status', '--json')).out)).toMatchObject({
      stored: false,
      instances: [],
      calls: { allowed: 0 },
    });
  });
});

describe('cli.md §1: output', () => {
  test('a reader that leaves ends the output quietly', async () => {
    using folder = openFolder();
    const file = folder.write('p.yaml', `version: "1"\n${Array.from({ length: 900 }, (_, index) => `bad${index}: 1\n`).join('')}`);
    const [program = BUN, ...args] = interceptCommand();
    const child = spawn(program, [...args, 'validate', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.on('data', (chunk) => (err += chunk));
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = await once(child, 'close');
    expect(err).toBe('');
    expect(code).toBe(3);
  });
});
