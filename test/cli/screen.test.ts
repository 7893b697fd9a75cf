/** A16: what a screen draws moves no cursor but its own. */
import { expect, test } from 'bun:test';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { createPaint } from '../../src/cli/paint.ts';
import { openScreen } from '../../src/cli/screen.ts';
import { openTerminal } from '../../src/cli/terminal.ts';

test('lines keep the colours of ours, and nothing else that is not seen', async () => {
  const stdout = Object.assign(new PassThrough(), { isTTY: true });
  const terminal = openTerminal({ stdout, stderr: new PassThrough(), stdin: Readable.from([]), env: {} });
  const ignore = () => undefined;
  const screen = openScreen(terminal, { keys: ignore, redraw: ignore, leave: ignore });
  screen.draw([createPaint(true)('red', 'ours'), 'x\u001b[2J\u009b31m\u202e\u001b[8mtheirs']);
  screen.close();
  stdout.end();
  const drawn = await text(stdout);
  expect(drawn).toContain('\u001b[31mours\u001b[39m');
  expect(drawn).toContain(String.raw`x\u001b[2J\u009b31m\u202e\u001b[8mtheirs`);
});
