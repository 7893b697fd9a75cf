import { expect, test } from 'bun:test';
import { openBacklog } from '../../src/audit/sinks/line-writer.ts';

function filled(piece: number, ...lines: string[]) {
  const backlog = openBacklog(piece);
  for (const line of lines) backlog.add(line, Buffer.byteLength(line) + 1);
  return backlog;
}

test('gives out whole lines up to a piece, or one longer line', () => {
  const backlog = filled(8, 'ab', 'cd', 'ef', 'a long line', 'g');
  const pieces: string[] = [];
  for (let bytes = backlog.next(); bytes.length > 0; bytes = backlog.next()) {
    pieces.push(Buffer.from(bytes).toString());
    backlog.advance(bytes.length);
  }
  expect(pieces).toEqual(['ab\ncd\n', 'ef\n', 'a long line\n', 'g\n']);
  expect(backlog.bytes()).toBe(0);
});

test('goes on in the middle of a line that went out in part', () => {
  const backlog = filled(100, 'abc');
  backlog.next();
  backlog.advance(2);
  backlog.add('d', 2);
  expect(Buffer.from(backlog.next()).toString()).toBe('c\n');
  expect(backlog.bytes()).toBe(4);
});

test('counts what it forgets', () => {
  const backlog = filled(100, 'a', 'b');
  backlog.next();
  backlog.advance(2);
  backlog.add('c', 2);
  expect(backlog.clear()).toBe(2);
  expect([backlog.bytes(), backlog.next().length]).toEqual([0, 0]);
});
