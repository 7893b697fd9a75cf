/** setup.md §3.4: the same choices by keyboard, on a terminal of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, temporaryFolder } from '../../harness/paths.ts';
import { HAS_TERMINAL, type PersonAtTerminal, sitAtTerminal, type TerminalOptions } from '../../harness/terminal.ts';
import { until } from '../../harness/wait.ts';

const CHILD = join(ROOT, 'test/cli/choose/children/choose.ts');
const UP = '\u001b[A';
const DOWN = '\u001b[B';
const LEFT = '\u001b[D';
const RIGHT = '\u001b[C';
const ESCAPE = '\u001b';

let browsers: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  browsers = await temporaryFolder();
});
afterAll(() => browsers.remove());

interface Sitting extends AsyncDisposable {
  readonly person: PersonAtTerminal;
  readonly home: string;
}

async function sit(way: string, begin: string, options: Partial<TerminalOptions> = {}): Promise<Sitting> {
  const folder = await temporaryFolder();
  const env = {
    NO_COLOR: undefined,
    DISPLAY: undefined,
    WAYLAND_DISPLAY: undefined,
    SSH_CONNECTION: undefined,
    SSH_TTY: undefined,
    ...options.env,
  };
  const person = sitAtTerminal([process.execPath, CHILD, way, folder.path, begin], { ...options, env });
  return {
    person,
    home: folder.path,
    async [Symbol.asyncDispose]() {
      person[Symbol.dispose]();
      await folder.remove();
    },
  };
}

/** Each key by itself, as a person presses them, and what must be shown then. */
async function press(person: PersonAtTerminal, ...steps: readonly (readonly [keys: string, shown: string])[]): Promise<void> {
  for (const [keys, shown] of steps) {
    person.type(keys);
    await person.untilShown(shown);
  }
}

async function choiceOf(person: PersonAtTerminal): Promise<unknown> {
  const [, text = ''] = /CHOICE ([^\r\n]*)/.exec(await person.untilPrinted(/CHOICE [^\n]*\n/)) ?? [];
  return JSON.parse(text);
}

/** The terminal is as it was: its own buffer, a cursor, wrapping, and no raw mode. */
async function expectRestored(person: PersonAtTerminal): Promise<void> {
  const text = await person.untilPrinted(/status=\d+\.[\s\S]*icanon/);
  for (const given of ['[?1049l', '[?25h', '[?7h', '[?2004l']) expect(text).toContain(given);
  expect(text).toMatch(/(?<!-)icanon/);
  expect(text).toMatch(/(?<!-)echo\b/);
}

describe.skipIf(!HAS_TERMINAL)('the choices by keyboard', () => {
  test('lead from the servers to the end', async () => {
    await using sitting = await sit('terminal', 'found');
    const { person } = sitting;
    await person.untilShown('Which servers should Intercept protect?');
    await press(
      person,
      [DOWN, '› [x] filesystem'],
      [' ', '› [ ] filesystem'],
      ['\r', '17 tools'],
      ['\r', '›   cancel_subscription'],
      [LEFT, '› * cancel_subscription'],
      [DOWN, '›   delete_customer'],
      ['5', '› * delete_customer'],
      [DOWN, '›   delete_webhook'],
      [DOWN, '› Financial'],
      ['4', '* create_charge'],
      ['u', '    create_charge'],
      ['/', 'search: _'],
      ['bal', 'search: bal_'],
      ['\r', '›   retrieve_balance'],
      ['1', '› * retrieve_balance'],
      [ESCAPE, 'delete_customer'],
      ['p', 'The policy of shop'],
      // The policy names the tools, too: only their list has a cursor.
      ['p', '› * cancel_subscription'],
      ['n', 'Enforce at once, or watch first?'],
      [DOWN, '› (x) Watch first'],
    );
    person.type('\r');
    expect(await choiceOf(person)).toEqual({
      mode: 'shadow',
      servers: {
        shop: ['rules', { cancel_subscription: 'approve', delete_customer: 'hide', retrieve_balance: 'allow' }],
        filesystem: ['open', {}],
        github: ['open', {}],
        calendar: ['open', {}],
      },
    });
    await expectRestored(person);
  }, 60_000);

  test('say why a server is not known, and cover it without', async () => {
    await using sitting = await sit('terminal', 'scanned');
    const { person } = sitting;
    await press(person, ['', '› shop'], [DOWN, '› filesystem'], ['c', 'open: no rules'], [DOWN, '› github']);
    const screen = (await person.untilShown('the library has a policy for it: github')).join('\n');
    expect(screen).toContain('it ended (status 125) before it answered');
    await press(
      person,
      ['c', 'policy of the library; failed'],
      [DOWN, '› calendar'],
      ['c', 'closed; needs a login'],
      ['n', 'What you chose'],
    );
    person.type('\r');
    expect(await choiceOf(person)).toEqual({
      mode: 'enforce',
      servers: { shop: ['rules', {}], filesystem: ['open', {}], github: ['library', {}], calendar: ['closed', {}] },
    });
  }, 60_000);

  test('fill 80×24 and 200×50, and follow the window', async () => {
    await using sitting = await sit('terminal', 'scanned');
    const { person } = sitting;
    await press(person, ['', '› shop'], ['\r', '›   cancel_subscription'], [DOWN, '›   delete_customer']);
    const small = await untilWhole(person, '- action: deny', 24);
    expect(Math.max(...small.map((line) => [...line].length))).toBeLessThanOrEqual(80);
    person.resize(200, 50);
    const wide = await untilWhole(person, '│   delete_customer:', 50);
    expect(Math.max(...wide.map((line) => [...line].length))).toBeLessThanOrEqual(200);
    person.resize(40, 10);
    await person.untilShown('the window is too small');
    person.resize(80, 24);
    await press(person, [UP, '›   cancel_subscription'], [RIGHT, '› * cancel_subscription']);
  }, 60_000);

  test('are cancelled after a question, and by Ctrl-C at once', async () => {
    await using first = await sit('terminal', 'scanned');
    await press(first.person, ['', '› shop'], ['q', 'y cancels'], ['x', 'enter tools'], ['q', 'y cancels']);
    first.person.type('y');
    expect(await first.person.untilPrinted(/CHOICE [^\n]*\n/)).toContain('CHOICE "cancelled"');
    await expectRestored(first.person);
    await using second = await sit('terminal', 'scanned');
    await press(second.person, ['', '› shop']);
    second.person.type('\u0003');
    expect(await second.person.untilPrinted(/CHOICE [^\n]*\n/)).toContain('CHOICE "cancelled"');
    await expectRestored(second.person);
  }, 60_000);

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)(
    'give the terminal back on %s',
    async (signal) => {
      await using sitting = await sit('terminal', 'scanned');
      await press(sitting.person, ['', '› shop']);
      await sitting.person.signal(signal);
      await expectRestored(sitting.person);
    },
    60_000,
  );

  test('stand aside for the page: its address once, a new one, and back to the keyboard', async () => {
    await using sitting = await sit('page', 'scanned', { env: await fakeBrowser() });
    const { person, home } = sitting;
    const address = addressIn(await person.untilShown('A browser has been asked to open this page.'));
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#k=[\w-]{43}$/);
    const seen = await until('the browser', () => readIfThere(join(browsers.path, 'seen')));
    const [opened = '', mode, html] = seen.split('\n');
    expect(opened).toStartWith(`file://${home}/open-`);
    expect(opened).not.toContain(new URL(address).hash.slice(3));
    expect([mode, html?.includes(`url=${address}"`)]).toEqual(['600', true]);
    person.type('\r');
    const next = await until('a new address', () => (addressIn(person.screen()) === address ? undefined : addressIn(person.screen())));
    expect([await enter(address), await enter(next)]).toEqual([401, 200]);
    await person.untilShown('The page is open. Go on there.');
    expect(person.screen().join('\n')).not.toContain('#k=');
    await press(person, ['t', 'enter tools'], ['n', 'Enforce at once']);
    person.type('\r');
    expect(await choiceOf(person)).toMatchObject({ mode: 'enforce' });
    await expectRestored(person);
    expect(readdirSync(home)).toEqual([]);
  }, 60_000);

  test('come first where no browser can be opened', async () => {
    await using sitting = await sit('page', 'scanned');
    await press(sitting.person, ['', 'enter tools'], ['q', 'y cancels']);
    sitting.person.type('y');
    await expectRestored(sitting.person);
    await using remote = await sit('page', 'scanned', { env: { ...(await fakeBrowser()), SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' } });
    await press(remote.person, ['', 'enter tools']);
  }, 60_000);
});

/** Waits for a drawing that has come to its last row. */
function untilWhole(person: PersonAtTerminal, text: string, rows: number): Promise<readonly string[]> {
  return until(`${rows} rows with ${text}`, () => {
    const screen = person.screen();
    return screen.length === rows && screen.join('\n').includes(text) ? screen : undefined;
  });
}

/** A program in the place of the desktop's: it keeps what it was asked for. */
async function fakeBrowser(): Promise<Readonly<Record<string, string>>> {
  const program = join(browsers.path, 'xdg-open');
  const script = `#!/bin/sh\npath="\${1#file://}"\n{ echo "$*"; stat -c %a "$path"; cat "$path"; } > '${browsers.path}/part'\nmv '${browsers.path}/part' '${browsers.path}/seen'\n`;
  await writeFile(program, script, { mode: 0o755 });
  return { DISPLAY: ':0', PATH: `${browsers.path}:${process.env.PATH}` };
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Signs in as the page does. */
async function enter(link: string): Promise<number> {
  const { origin, hash } = new URL(link);
  const body = JSON.stringify({ secret: hash.slice('#k='.length) });
  return (await fetch(`${origin}/page/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status;
}

function addressIn(screen: readonly string[]): string {
  return screen.find((line) => line.startsWith('http://'))?.trim() ?? '';
}
