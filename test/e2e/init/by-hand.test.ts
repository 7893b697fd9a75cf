/** setup.md §3: a person sets a machine up by hand, by keyboard and on the page; a client's file is wrapped. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPage, whyNoBrowser } from '../../harness/browser.ts';
import { interceptCommand, temporaryFolder } from '../../harness/paths.ts';
import { HAS_TERMINAL, type PersonAtTerminal, sitAtTerminal } from '../../harness/terminal.ts';
import { SERVERS } from './home.ts';

const missing = await whyNoBrowser();
const DOWN = '\u001b[B';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

interface Machine {
  readonly person: PersonAtTerminal;
  readonly file: string;
  readonly policies: string;
}

/** A home with one client, which has two servers. */
function sitBefore(name: string, flags: readonly string[], env: Readonly<Record<string, string | undefined>>): Machine {
  const home = join(folder.path, name);
  const file = join(home, '.cursor/mcp.json');
  mkdirSync(join(home, '.cursor'), { recursive: true });
  const entryOf = (server: string) => {
    const [command = '', ...args] = SERVERS[server]?.command ?? [];
    return { command, args };
  };
  writeFileSync(file, JSON.stringify({ mcpServers: { memory: entryOf('memory'), thinking: entryOf('thinking') } }, null, 2));
  const none = { DISPLAY: undefined, WAYLAND_DISPLAY: undefined, SSH_CONNECTION: undefined, SSH_TTY: undefined, NO_COLOR: undefined };
  const person = sitAtTerminal([...interceptCommand(), 'init', '--user', ...flags], {
    env: { ...none, HOME: home, INTERCEPT_HOME: undefined, XDG_CONFIG_HOME: undefined, ...env },
  });
  return { person, file, policies: join(home, '.intercept/policies') };
}

async function press(person: PersonAtTerminal, ...steps: readonly (readonly [keys: string, shown: string])[]): Promise<void> {
  for (const [keys, shown] of steps) {
    person.type(keys);
    await person.untilShown(shown);
  }
}

async function agree({ person, file, policies }: Machine): Promise<string> {
  await person.untilPrinted(/Write \d polic\w+, and change 1 file\? \[y\/N\]/);
  expect(existsSync(policies) ? readdirSync(policies) : []).toEqual([]);
  person.type('y\r');
  expect(await person.untilPrinted(/status=\d+\./)).toContain('status=0.');
  return readFileSync(file, 'utf8');
}

describe.skipIf(!HAS_TERMINAL)('a person at a terminal', () => {
  test('chooses by keyboard, looks, agrees; one server is wrapped, and the other as it was', async () => {
    const machine = sitBefore('keyboard', ['--terminal'], {});
    using person = machine.person;
    await person.untilShown('Which servers should Intercept protect?');
    await press(person, [DOWN, '› [x] thinking'], [' ', '› [ ] thinking'], ['\r', '9 tools'], ['\r', '›   delete_entities']);
    await press(person, ['2', '› * delete_entities'], ['n', 'Enforce at once']);
    person.type('\r');
    const text = await agree(machine);
    expect(text).toContain('memory.yaml');
    expect(text).not.toContain('thinking.yaml');
    const policy = readFileSync(join(machine.policies, 'memory.yaml'), 'utf8');
    expect(policy).toMatch(/ {2}delete_entities:\n {4}rules:\n {6}- rate_limit: 10\/hour/);
    expect(policy).toMatch(/ {2}delete_relations:\n {4}rules:\n {6}- action: deny/);
  }, 120_000);

  test.skipIf(missing !== undefined)(
    'chooses on the page',
    async () => {
      const tools = join(folder.path, 'tools');
      mkdirSync(tools, { recursive: true });
      writeFileSync(join(tools, 'xdg-open'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
      const machine = sitBefore('page', [], { DISPLAY: ':0', PATH: `${tools}:${process.env.PATH}` });
      using person = machine.person;
      const screen = await person.untilShown('A browser has been asked');
      await using browser = await openPage({}, 'setup-page');
      const { page } = browser;
      await page.goto(screen.find((line) => line.startsWith('http://'))?.trim() ?? '');
      await page.getByRole('button', { name: 'Start 2 servers' }).click();
      await page.getByRole('button', { name: 'memory 9 tools' }).click();
      await page.getByRole('radiogroup', { name: 'delete_entities' }).getByRole('radio', { name: 'Hide' }).check();
      await page.getByRole('button', { name: 'thinking 1 tool' }).click();
      await page.getByRole('radio', { name: 'Leave it open' }).check();
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByRole('button', { name: 'Finish' }).click();
      await page.getByRole('heading', { name: 'Go on in the terminal' }).waitFor();
      const text = await agree(machine);
      expect([text.includes('memory.yaml'), text.includes('thinking.yaml')]).toEqual([true, false]);
      expect(readFileSync(join(machine.policies, 'memory.yaml'), 'utf8')).toContain('hide:\n  - delete_entities\n');
      expect(browser.faults).toEqual([]);
    },
    120_000,
  );
});
