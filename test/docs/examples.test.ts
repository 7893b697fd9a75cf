/** Every policy, policy test, configuration and command in the papers is tried. What is not is marked as text. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { PROXY, type ProxyFlags, parseProxyOptions } from '../../src/cli/declare/proxy.ts';
import { loadPolicyText } from '../../src/policy/load.ts';
import { warningsOf } from '../../src/serve/remote-secrets.ts';
import { ROOT } from '../harness/paths.ts';
import { allBlocks, type Block, blocksOf } from './markdown.ts';

const TRIED = ['yaml', 'js', 'console', 'json', 'jsonl', 'sh', 'toml', 'ts', 'text'];

for (const block of allBlocks()) {
  const place = `${block.page}:${block.line}`;
  test(`${place}: a block says how it is to be taken`, () => {
    expect(TRIED).toContain(block.language);
    if (block.language === 'yaml') expect(block.mark).toMatch(/^(file=[\w.-]+|rules|part)$/);
  });
  if (block.language === 'yaml' && !block.mark.endsWith('.test.yaml')) {
    test(`${place}: the policy loads`, async () => {
      const { diagnostics } = await loadPolicyText(wholePolicy(block));
      const told = diagnostics.filter(({ severity }) => severity === 'error' || block.mark.startsWith('file='));
      const shown = blocksOf(block.page).filter(({ language }) => language === 'console');
      // What a page shows `validate` to say of its own policy is meant to be there.
      expect(told.filter(({ code }) => !shown.some(({ text }) => text.includes(`[${code}]`)))).toEqual([]);
    });
  }
  if (block.language === 'json') test(`${place}: the JSON parses`, () => void JSON.parse(block.text));
  const servers = serversIn(block);
  if (servers.length > 0) {
    test(`${place}: the configuration starts a server behind Intercept`, () => servers.forEach(expectBehindIntercept));
  }
  if (block.language === 'sh') test(`${place}: the npm scripts exist`, () => expectScripts(block.text));
}

/** Rules stand under a tool, parts of a document beside its version. */
function wholePolicy({ mark, text }: Block): string {
  if (mark === 'part') return `version: "1"\n${text}`;
  if (mark !== 'rules') return text;
  return `version: "1"\ntools:\n  some_tool:\n    rules:\n${text.replaceAll(/^(?=.)/gm, '      ')}`;
}

interface Entry {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly env_vars?: readonly string[];
}

/** The servers that a client's configuration names. */
function serversIn({ language, text }: Block): readonly Entry[] {
  if (language !== 'toml' && !(language === 'json' && /"(mcpServers|servers)": \{/.test(text))) return [];
  const config = (language === 'toml' ? Bun.TOML.parse(text) : JSON.parse(text)) as Record<string, Record<string, Entry>>;
  return Object.values(config.mcpServers ?? config.servers ?? config.mcp_servers ?? {});
}

/** The command line is one that Intercept takes, and every variable that it reads is given to it. */
function expectBehindIntercept({ command, args, env, env_vars }: Entry): void {
  expect(command).toEndWith('/intercept');
  expect(args[0]).toBe('-c');
  const cut = args.indexOf('--');
  const own = cut < 0 ? args : args.slice(0, cut);
  const given = Object.fromEntries([...Object.keys(env ?? {}), ...(env_vars ?? [])].map((name) => [name, 'Bearer something']));
  const inherited = env || env_vars ? given : { STRIPE_AUTH: 'Bearer something' };
  const program = new Command('intercept').exitOverride().configureOutput({ writeErr: () => {} });
  PROXY.declare(program, {} as Parameters<typeof PROXY.declare>[1]);
  let options: ReturnType<typeof parseProxyOptions> | undefined;
  program.action((words: readonly string[], flags: ProxyFlags) => {
    expect(words).toEqual([]);
    options = parseProxyOptions(flags, { ...inherited, HOME: '/home/me' });
  });
  program.parse([...own], { from: 'user' });
  expect(options?.remote !== undefined).toBe(cut < 0);
  if (options?.remote) expect([options.remote.headers.authorization, warningsOf(options.remote)]).toEqual(['Bearer something', []]);
  else expect(args.length).toBeGreaterThan(cut + 1);
}

function expectScripts(text: string): void {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const named = [...text.matchAll(/npm (?:run )?([\w:-]+)/g)].map(([, name = '']) => name).filter((name) => name !== 'ci');
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
}
