/** Every policy, policy test, configuration and command in the papers is tried. What is not is marked as text. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPolicyText } from '../../src/policy/load.ts';
import { ROOT } from '../harness/paths.ts';
import { allBlocks, type Block, blocksOf } from './markdown.ts';

const TRIED = ['yaml', 'js', 'console', 'json', 'jsonl', 'sh', 'ts', 'text'];

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
  if (block.language === 'json' && block.text.includes('mcpServers')) {
    test(`${place}: the configuration starts a server behind Intercept`, () => expectBehindIntercept(block.text));
  }
  if (block.language === 'sh') test(`${place}: the npm scripts exist`, () => expectScripts(block.text));
}

/** Rules stand under a tool, parts of a document beside its version. */
function wholePolicy({ mark, text }: Block): string {
  if (mark === 'part') return `version: "1"\n${text}`;
  if (mark !== 'rules') return text;
  return `version: "1"\ntools:\n  some_tool:\n    rules:\n${text.replaceAll(/^(?=.)/gm, '      ')}`;
}

function expectBehindIntercept(text: string): void {
  const { mcpServers } = JSON.parse(text) as { mcpServers: Record<string, { command: string; args: string[] }> };
  for (const { command, args } of Object.values(mcpServers)) {
    expect(command).toEndWith('/intercept');
    expect(args.indexOf('-c')).toBe(0);
    expect(args.indexOf('--')).toBeGreaterThan(1);
    expect(args.at(-1)).not.toBe('--');
  }
}

function expectScripts(text: string): void {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const named = [...text.matchAll(/npm (?:run )?([\w:-]+)/g)].map(([, name = '']) => name).filter((name) => name !== 'ci');
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
}
