/** console.md §2: a browser is only asked where somebody sits before it. */
import { expect, test } from 'bun:test';
import { browserCommand } from '../../../src/setup/choose/browser.ts';

const NONE = undefined;

test.each([
  ['linux', { DISPLAY: ':0' }, ['xdg-open']],
  ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, ['xdg-open']],
  ['linux', {}, NONE],
  ['linux', { DISPLAY: ':10', SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }, NONE],
  ['darwin', {}, ['open']],
  ['darwin', { SSH_TTY: '/dev/ttys001' }, NONE],
  ['win32', {}, ['rundll32', 'url.dll,FileProtocolHandler']],
] as const)('%s with %j: %j', (platform, env, command) => {
  expect(browserCommand({ platform, env })).toEqual(command && [...command]);
});
