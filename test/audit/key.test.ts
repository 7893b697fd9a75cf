import { expect, test } from 'bun:test';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { loadHashKey } from '../../src/audit/key.ts';
import { AuditError } from '../../src/core/audit.ts';
import { withFolder } from './events.ts';

test('the key is made once, for its owner alone', () =>
  withFolder((dir) => {
    const home = join(dir, 'home');
    const key = loadHashKey(home);
    expect(key.length).toBe(32);
    expect(loadHashKey(home)).toEqual(key);
    expect(fs.readdirSync(home)).toEqual(['machine.key']);
    expect(fs.statSync(join(home, 'machine.key')).mode & 0o777).toBe(0o600);
  }));

test('half a key is no key', () =>
  withFolder((dir) => {
    fs.writeFileSync(join(dir, 'machine.key'), 'short');
    expect(() => loadHashKey(dir)).toThrow(AuditError);
    expect(() => loadHashKey(dir)).toThrow('has 5 bytes, expected 32');
  }));

test('a home that cannot be written is an AuditError that names the file', () =>
  withFolder((dir) => {
    fs.writeFileSync(join(dir, 'file'), '');
    expect(() => loadHashKey(join(dir, 'file'))).toThrow(AuditError);
  }));

test('processes that start together get one key', () =>
  withFolder(async (dir) => {
    const script = join(import.meta.dir, 'children', 'print-key.ts');
    const children = Array.from({ length: 5 }, () => spawn(process.execPath, [script, dir], { stdio: ['pipe', 'pipe', 'inherit'] }));
    const answers = children.map(async (child) => {
      let text = '';
      for await (const chunk of child.stdout) {
        text += chunk;
        // All wait here until the last one is ready.
        if (text === 'ready\n' && ++ready === children.length) for (const each of children) each.stdin.end('go');
      }
      return text.slice(6);
    });
    let ready = 0;
    const keys = await Promise.all(answers);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toHaveLength(64);
  }));
