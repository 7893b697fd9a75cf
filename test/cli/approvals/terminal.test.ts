/** What a person sees and presses on a real terminal (cli.md §3). */
import { describe, expect, test } from 'bun:test';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { ApprovalState } from '../../../src/core/approval.ts';
import { stateIn } from '../../../src/state/open.ts';
import { interceptCommand } from '../../harness/paths.ts';
import { HAS_TERMINAL, type PersonAtTerminal, sitAtTerminal } from '../../harness/terminal.ts';
import { until } from '../../harness/wait.ts';
import { held } from '../../state/calls.ts';
import { openFolder } from '../run.ts';

/** A folder with a store, in which calls are held as a proxy would hold them. */
async function openShop() {
  const folder = openFolder();
  const home = join(folder.path, 'home');
  const store = await stateIn(join(home, 'state')).open({ namespace: 'shop' });
  return {
    home,
    async hold(name: string, args = '{"id":"sub_1"}'): Promise<string> {
      const [verdict] = await store.reserve([held(name, { args })]);
      if (verdict?.kind !== 'hold' || !verdict.approval) throw new Error(`expected a hold, got ${verdict?.kind}`);
      return verdict.approval.id;
    },
    record: async (id: string) => (await store.approvals.find(id))[0],
    is: async (id: string, state: ApprovalState) => (await store.approvals.find(id))[0]?.state === state,
    sit: (...words: readonly string[]): PersonAtTerminal =>
      sitAtTerminal([...interceptCommand(), ...words], {
        env: { INTERCEPT_HOME: home, INTERCEPT_APPROVER_TOKEN: undefined, NO_COLOR: undefined },
      }),
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

/** `stty -a` comes after the status; this is near its end. */
const ENDED = /status=0\.[\s\S]*echoke/;

/** The terminal is as it was: lines are edited and shown, the cursor is seen, the first buffer is back. */
function expectGivenBack(printed: string): void {
  const after = printed.slice(printed.lastIndexOf('status='));
  expect(after).toMatch(/\sicanon\s/);
  expect(after).toMatch(/\secho\s/);
  expect(printed.lastIndexOf('\u001b[?1049l')).toBeGreaterThan(printed.lastIndexOf('\u001b[?1049h'));
  expect(printed.lastIndexOf('\u001b[?25h')).toBeGreaterThan(printed.lastIndexOf('\u001b[?25l'));
  expect(printed.lastIndexOf('\u001b[?7h')).toBeGreaterThan(printed.lastIndexOf('\u001b[?7l'));
}

describe.skipIf(!HAS_TERMINAL)('cli.md §3: approvals watch on a terminal', () => {
  test('shows what waits, one key decides, and the terminal is given back', async () => {
    await using shop = await openShop();
    const first = await shop.hold('a');
    using person = shop.sit('approvals', 'watch', '--as', 'ada');
    await person.untilShown(`> ${first.slice(0, 10)}`);
    expect(person.screen().join('\n')).toContain('      "id": "sub_1"');
    const second = await shop.hold('b', '{"id":"sub_2"}');
    await person.untilShown(second.slice(0, 10));
    await person.pressUntil('a', 'the first one to be approved', () => shop.is(first, 'approved'));
    await person.untilShown(`> ${second.slice(0, 10)}`);
    await person.pressUntil('d', 'the question why', () => person.screen().join('\n').includes('why denied?'));
    person.type('not today\r');
    await person.untilShown('nothing waits for approval');
    expect(await shop.record(first)).toMatchObject({ state: 'approved', decidedBy: 'ada' });
    expect(await shop.record(second)).toMatchObject({ state: 'denied', decidedBy: 'ada', reason: expect.stringContaining('not today') });
    person.type('q');
    expectGivenBack(await person.untilPrinted(ENDED));
  }, 60_000);

  test('marks a row that is cut where the window ends', async () => {
    await using shop = await openShop();
    const id = await shop.hold('a', JSON.stringify({ text: 'word '.repeat(40) }));
    using person = shop.sit('approvals', 'watch');
    await person.untilShown(`> ${id.slice(0, 10)}`);
    const row = (person.screen().find((line) => line.startsWith('> ')) ?? '').trimEnd();
    expect(row).toEndWith('…');
    // The last column is cleared with the rest of the line.
    expect(row.length).toBeLessThan(80);
    person.type('q');
    await person.untilPrinted(ENDED);
  }, 60_000);

  test('follows the size of the window', async () => {
    await using shop = await openShop();
    await shop.hold('a', JSON.stringify({ text: 'word '.repeat(200) }));
    using person = shop.sit('approvals', 'watch');
    await person.untilShown('more lines');
    expect(person.screen()).toHaveLength(24);
    person.resize(50, 40);
    // What it says stood there before, too.
    await until('a screen of 40 lines', () => person.screen().length === 40 || undefined);
    expect(person.screen().join('\n')).toContain('a yes  d no');
    person.resize(20, 5);
    await person.untilShown('the window is too');
    person.type('\u0003');
    expectGivenBack(await person.untilPrinted(ENDED));
  }, 60_000);

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`gives the terminal back at ${signal}`, async () => {
      await using shop = await openShop();
      using person = shop.sit('approvals', 'watch');
      await person.untilShown('nothing waits');
      await person.signal(signal);
      expectGivenBack(await person.untilPrinted(ENDED));
    }, 60_000);
  }

  test('says when the store is gone, and goes on when it is back', async () => {
    await using shop = await openShop();
    const id = await shop.hold('a');
    using person = shop.sit('approvals', 'watch');
    await person.untilShown(id);
    renameSync(join(shop.home, 'state'), join(shop.home, 'elsewhere'));
    await until('the fault', () => /intercept\.sqlite/.test(person.screen().at(-1) ?? '') || undefined, 20_000);
    renameSync(join(shop.home, 'elsewhere'), join(shop.home, 'state'));
    await until('the keys again', () => person.screen().at(-1)?.startsWith('a approve') || undefined, 20_000);
    person.type('q');
    expectGivenBack(await person.untilPrinted(ENDED));
  }, 60_000);

  test('who has no secret sees, and does not decide', async () => {
    await using shop = await openShop();
    const id = await shop.hold('a');
    using setter = shop.sit('approvals', 'protect');
    await setter.untilPrinted('approver secret: ');
    setter.type('correct horse\r');
    await setter.untilPrinted('once more: ');
    setter.type('correct horsf\u007fe\r');
    const printed = await setter.untilPrinted(ENDED);
    expect(printed).toContain('approvals are protected');
    expect(printed).not.toContain('correct');
    expect(printed.slice(printed.lastIndexOf('status='))).toMatch(/\secho\s/);
    using person = shop.sit('approvals', 'watch');
    await person.untilShown('deciding needs the approver secret');
    let presses = 0;
    await person.pressUntil(
      'a',
      'some presses',
      () => ++presses > 300 || (person.screen().join('\n').includes('approver secret') && presses > 250),
    );
    expect(await shop.is(id, 'pending')).toBe(true);
  }, 90_000);

  test('two different secrets set none', async () => {
    await using shop = await openShop();
    using person = shop.sit('approvals', 'protect');
    await person.untilPrinted('approver secret: ');
    person.type('correct horse\r');
    await person.untilPrinted('once more: ');
    person.type('battery staple\r');
    expect(await person.untilPrinted(/status=1\./)).toContain('the two differ, and nothing was changed');
  }, 60_000);
});

test('cli.md §1: status --watch draws on a terminal and gives it back', async () => {
  if (!HAS_TERMINAL) return;
  await using shop = await openShop();
  using person = shop.sit('status', '--watch');
  await person.untilShown('no instance is running');
  person.type('q');
  expectGivenBack(await person.untilPrinted(ENDED));
}, 60_000);
