/** What a policy makes of tools by their names, and its sum in one line (cli.md §1). */
import { expect, test } from 'bun:test';
import { judgeTools, sumTools } from '../../src/authoring/tool-verdicts.ts';
import { loadPolicyText } from '../../src/policy/load.ts';

async function judge(policy: string, ...names: readonly string[]) {
  const loaded = await loadPolicyText(`version: "1"\nname: n\n${policy}`);
  if (!loaded.policy) throw new Error('no policy');
  return judgeTools(loaded.policy, names);
}

test.each([
  ['default: deny\nallow: [a]', 'free'],
  ['default: deny\ntools: {a: [{rate_limit: 1/day}]}', 'rules'],
  ['default: deny\ntools: {"*": [{rate_limit: 1/day}]}', 'hidden'],
  ['default: deny\nallow: [a]\ntools: {"*": [{rate_limit: 1/day}]}', 'rules'],
  ['default: deny\nunlisted: show', 'denied'],
  ['tools: {a: [{action: require_approval}]}', 'approval'],
  ['tools: {a: [{action: require_approval, conditions: [{path: args.n, op: gt, value: 5}]}]}', 'approval'],
  ['tools: {a: [{action: require_approval}, {action: deny}]}', 'denied'],
  ['tools: {a: [{action: deny, agents: [bob]}]}', 'rules'],
  ['tools: {a: [{action: deny, mode: shadow}]}', 'free'],
  ['hide: [a]\nallow: [a]', 'hidden'],
  ['', 'free'],
])('%j: %s', async (policy, verdict) => {
  expect((await judge(policy, 'a'))[0]?.verdict).toBe(verdict as never);
});

test('the sum names the first of those that are not called', async () => {
  expect(sumTools(await judge('default: deny\nallow: [a]', 'a', 'b', 'c', 'd', 'e'))).toBe(
    '5 tools: 1 may be called, 4 are hidden (b, c, d, …)',
  );
  expect(sumTools(await judge('default: deny\nallow: [a]', 'a', 'b'))).toBe('2 tools: 1 may be called, 1 is hidden (b)');
  expect(sumTools(await judge('default: allow', 'a'))).toBe('1 tool: 1 may be called');
  expect(sumTools([])).toBe('the server has no tools');
});
