/** setup.md §4: `intercept policies` lists, shows, adds and finds policies of the library; `-c library:ID` runs one without a file. */
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { policyPath } from '../../src/setup/library/folders.ts';
import { ROOT } from '../harness/paths.ts';
import { openFolder } from './run.ts';

const STRIPE = readFileSync(policyPath(ROOT, 'stripe'), 'utf8');

describe('intercept policies list', () => {
  test('has a line for each, with its classes, and says what they mean', async () => {
    using folder = openFolder();
    const { out, status } = await folder.run('policies', 'list');
    expect(status).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(302);
    expect(lines.find((line) => line.startsWith('stripe '))).toMatch(/^stripe +\* +1D +\d+F +\d+W +\d+R {2}Stripe$/);
    expect(lines.at(-1)).toMatch(/^\d+ policies; tools: D destructive, F financial, E execute, W write, R read; \*: rules by hand$/);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });

  test('looks for a word in id, title, package and tags', async () => {
    using folder = openFolder();
    const { out } = await folder.run('policies', 'list', 'STRIPE');
    expect(out).toContain('stripe ');
    expect(out).not.toContain('airtable');
    const none = await folder.run('policies', 'list', 'nothing-of-the-kind');
    expect(none).toMatchObject({ status: 1, out: 'no policy has "nothing-of-the-kind" in its id, title, package or tags\n' });
  });
});

describe('intercept policies show, add', () => {
  test('shows the policy as it is, on both levels', async () => {
    using folder = openFolder();
    expect((await folder.run('policies', 'show', 'stripe')).out).toBe(STRIPE);
    const readOnly = await folder.run('policies', 'show', 'stripe', '--preset', 'read-only');
    expect(readOnly.out).toContain('read-only');
    expect(readOnly.out).toMatch(/^ {2}list_customers:$/m);
    expect(readOnly.out).not.toMatch(/^ {2}create_refund:$/m);
  });

  test('writes it, and not over a file that is there', async () => {
    using folder = openFolder();
    const file = join(folder.path, 's.yaml');
    const { out, status } = await folder.run('policies', 'add', 'stripe', '-o', file);
    expect(status).toBe(0);
    expect(out).toMatch(/^wrote .*s\.yaml: the suggested policy for Stripe, @stripe\/mcp 0\.2\.5 \(npm\), \d+ tools: /);
    expect(out).toContain(`run it: intercept -c ${file} -- npx -y @stripe/mcp@0.2.5 --tools=all`);
    expect(readFileSync(file, 'utf8')).toBe(STRIPE);
    const again = await folder.run('policies', 'add', 'stripe', '-o', file);
    expect(again).toMatchObject({
      status: 1,
      err: `intercept: ${file} exists already\nhelp: choose another name with "-o", or add --force\n`,
    });
    const lost = await folder.run('policies', 'add', 'stripe', '-o', join(folder.path, 'no/s.yaml'));
    expect(lost.err).toContain('s.yaml: its folder does not exist\nhelp: make the folder first');
    expect((await folder.run('policies', 'add', 'stripe', '-o', file, '--force', '--preset', 'read-only')).status).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toBe(STRIPE);
    expect((await folder.run('validate', '--strict', file)).status).toBe(0);
  });

  test('says what may have been meant', async () => {
    using folder = openFolder();
    const { status, err } = await folder.run('policies', 'show', 'stirpe');
    expect({ status, err }).toEqual({ status: 2, err: 'intercept: the library has no policy "stirpe"\nhelp: did you mean "stripe"?\n' });
    expect((await folder.run('policies', 'show', '@stripe/mcp')).out).toBe(STRIPE);
    expect((await folder.run('policies', 'add')).err).toContain('"policies add" needs the ID');
    expect((await folder.run('policies', 'list', '--', 'npx')).err).toContain('"policies" takes no server command');
    expect((await folder.run('policies', 'add', '../x')).err).toContain('the library has no policy "../x"');
  });
});

describe('intercept policies for', () => {
  test('finds the policy of a package', async () => {
    using folder = openFolder();
    const { status, out } = await folder.run('policies', 'for', '--', 'npx', '-y', '@stripe/mcp@latest', '--api-key=sk_live_1');
    expect(status).toBe(0);
    expect(out).toMatch(/^stripe: Stripe, @stripe\/mcp 0\.2\.5 \(npm\), \d+ tools: .*\n {2}the command starts it without a version: /);
    expect(out).toContain('use it: intercept policies add stripe');
    expect(out).not.toContain('sk_live_1');
  });

  test('says why there is none', async () => {
    using folder = openFolder();
    const none = await folder.run('policies', 'for', '--', 'node', 'server.js');
    expect(none).toMatchObject({ status: 1, out: 'no policy: "node" starts no package of a registry\n' });
    expect((await folder.run('policies', 'for')).err).toContain('no server to look for');
  });
});

describe('-c library:ID', () => {
  test('is a policy for explain and status, too', async () => {
    using folder = openFolder();
    const denied = await folder.run('explain', '-c', 'library:stripe', '--call', 'cancel_subscription', '--fresh');
    expect(denied.status).toBe(4);
    expect((await folder.run('status', '-c', 'library:stripe')).status).toBe(0);
    expect((await folder.run('validate', '-c', 'library:stripe')).out).toBe('library:stripe: valid\n');
  });

  test('of no policy says so', async () => {
    using folder = openFolder();
    const { status, err } = await folder.run('explain', '-c', 'library:stirpe', '--call', 'x');
    expect({ status, err }).toEqual({
      status: 3,
      err: 'intercept: library:stirpe: is no policy of the library\nhelp: did you mean "stripe"?\n',
    });
    expect(existsSync('library:stirpe')).toBe(false);
  });
});
