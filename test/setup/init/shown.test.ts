/** setup.md §3.5: a difference is shown before it is written, and no secret is in it. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { readJson } from '../../../src/mcp/json/values.ts';
import { diffLines, linesOf } from '../../../src/setup/init/lines.ts';
import { openFileMask, unifiedDiff } from '../../../src/setup/init/shown.ts';

const ENTRY = {
  command: 'srv',
  args: ['--token', 'tok-aaaaaaaaaa', '--api-key=key-bbbbbbbbbb', 'postgres://me:pw-cccccccc@db/x', '--plain', 'shown-word'],
  env: { MODE: 'env-dddddddd', REFERENCE: ['${', 'SHOWN_NAME', '}'].join('') },
  headers: { Authorization: 'Bearer hdr-eeeeeeee', 'X-Odd': 'line\nbreak "quoted" ffffffff' },
  oauth: { CLIENT_SECRET: 'oauth-gggggggg' },
};

test('values of environments, headers, logins and secret arguments are masked, in every format', () => {
  const mask = openFileMask([readJson(JSON.stringify(ENTRY))]);
  const toml = `args = ['--token', 'tok-aaaaaaaaaa']\nMODE = 'env-dddddddd'\n`;
  const text = `${JSON.stringify(ENTRY, null, 2)}\n${toml}`;
  const shown = unifiedDiff('/f', Buffer.from(''), Buffer.from(text), mask).join('\n');
  for (const secret of ['tok-a', 'key-b', 'pw-c', 'env-d', 'hdr-e', 'ffffffff', 'oauth-g'])
    expect([secret, shown.includes(secret)]).toEqual([secret, false]);
  for (const word of ['shown-word', 'SHOWN_NAME', 'srv', 'MODE', 'Authorization'])
    expect([word, shown.includes(word)]).toEqual([word, true]);
});

test('a difference has its lines and their context', () => {
  const before = 'a\nb\nc\nd\ne\nf\n';
  expect(unifiedDiff('/f', Buffer.from(before), Buffer.from(before.replace('d', 'D')), (text) => text)).toEqual([
    ...['--- /f', '+++ /f', '@@ -2,5 +2,5 @@', ' b', ' c', '-d', '+D', ' e', ' f'],
  ]);
  expect(unifiedDiff('/f', Buffer.from(before), Buffer.from(before), (text) => text)).toEqual([]);
});

test('of any two texts, the differences lead from one to the other', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((all) => all.join('\n'));
  fc.assert(
    fc.property(lines, lines, (before, now) => {
      const [old, young] = [linesOf(before), linesOf(now)];
      let made: string[] = [];
      let at = 0;
      for (const { start, end, from, to } of diffLines(old, young)) {
        made = [...made, ...old.slice(at, start), ...young.slice(from, to)];
        at = end;
      }
      expect([...made, ...old.slice(at)].join('')).toBe(now);
    }),
  );
});
