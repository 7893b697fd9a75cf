import { describe, expect, test } from 'bun:test';
import { openKeys } from '../../../src/cli/approvals/keys.ts';

function keysOf(...chunks: readonly (string | Uint8Array)[]): readonly string[] {
  const read = openKeys();
  return chunks.flatMap((chunk) => read(Buffer.from(chunk))).map((key) => ('text' in key ? `${key.kind}:${key.text}` : key.kind));
}

describe('cli.md §3: keys as a terminal sends them', () => {
  test.each([
    ['a', ['text:a']],
    ['ad', ['pasted:ad']],
    ['no\r', ['pasted:no', 'enter']],
    ['a\u001b[Ba', ['text:a', 'down', 'text:a']],
    ['\u001b[A\u001b[B\u001bOA\u001b[5~\u001b[6~', ['up', 'down', 'up', 'page_up', 'page_down']],
    ['\u001b[C\u001b[D\u001bOC\u001bOD', ['right', 'left', 'right', 'left']],
    ['\u001b', ['escape']],
    ['\r\u007f\u0003\u0004', ['enter', 'backspace', 'quit', 'quit']],
    ['ü日', ['pasted:ü日']],
    ['\u001b[200~aaa\nd\u001b[201~', ['pasted:aaa\nd']],
    ['\u001b[1;5Cx\u001b[24~', ['text:x']],
    ['\u0001\t', []],
  ])('%j', (bytes, expected) => expect(keysOf(bytes)).toEqual(expected));

  test('sequences, characters and pastes that come in pieces', () => {
    expect(
      keysOf('\u001b[', 'A', '\u001b[200~a', 'a\u001b[201', '~', Buffer.from('ü').subarray(0, 1), Buffer.from('ü').subarray(1)),
    ).toEqual(['up', 'pasted:aa', 'text:ü']);
  });
});
