/** setup.md §3.4: the page of the set-up in a real browser, by keyboard alone, with pictures kept. */
import { describe, expect, test } from 'bun:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { type Chooser, openChooser } from '../../../src/setup/choose/chooser.ts';
import { type ChoicePage, openChoicePage } from '../../../src/setup/choose/page.ts';
import type { ServerState, ServerToChoose } from '../../../src/setup/choose/servers.ts';
import { type OpenPage, openPage, whyNoBrowser } from '../../harness/browser.ts';
import { until } from '../../harness/wait.ts';
import { foundServers, hostileServer, manyServers, scanned, serverOf } from '../../setup/choose/fixture.ts';
import { faultsOf } from '../accessibility.ts';

const missing = await whyNoBrowser();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

interface Stage extends AsyncDisposable {
  readonly chooser: Chooser;
  readonly door: ChoicePage;
  readonly browser: OpenPage;
  readonly page: Page;
  /** Requests to anybody else. */
  readonly foreign: readonly string[];
  /** The ids that were to be started; `put` answers for them. */
  readonly scans: readonly (readonly string[])[];
  put(id: string, state: ServerState): void;
}

async function open(servers: readonly ServerToChoose[], options: BrowserContextOptions = {}): Promise<Stage> {
  const scans: (readonly string[])[] = [];
  let report: (id: string, state: ServerState) => void = () => {};
  const chooser = openChooser(servers, (ids, put) => {
    scans.push(ids);
    report = put;
  });
  const door = await openChoicePage(chooser, () => performance.now());
  const browser = await openPage(options, 'setup-page');
  const { page } = browser;
  const link = door.newLink();
  const foreign: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${new URL(link).origin}/`) && !request.url().startsWith('data:')) foreign.push(request.url());
  });
  await page.goto(link);
  await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
  return {
    ...{ chooser, door, browser, page, foreign, scans },
    put: (id, state) => report(id, state),
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await door.close();
    },
  };
}

/** Everything that must be so at any moment. */
async function expectSound({ page, browser, foreign }: Stage): Promise<void> {
  expect(await faultsOf(page)).toEqual([]);
  expect(browser.faults).toEqual([]);
  expect(foreign).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
}

/** Presses Tab until the focus is on what is called so. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    const label = await page.evaluate(
      '(() => { const at = document.activeElement; return at.ariaLabel ?? at.closest("label")?.textContent ?? at.textContent; })()',
    );
    if (name.test(String(label))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`no way to ${name} by Tab`);
}

/** The column that a tool has on the page. */
const chosen = (page: Page, tool: string) =>
  page.getByRole('radiogroup', { name: tool, exact: true }).locator('input:checked').inputValue();

const WIDTHS = [
  [360, 740],
  [900, 1000],
  [1440, 900],
] as const;
const LOOKS = WIDTHS.flatMap(([width, height]) => (['light', 'dark'] as const).map((colorScheme) => ({ width, height, colorScheme })));

describe.skipIf(missing !== undefined)('the page of the set-up', () => {
  test('leads from the servers to the end by keyboard alone', async () => {
    await using stage = await open(foundServers(), { viewport: { width: 1440, height: 900 } });
    const { page, chooser } = stage;
    expect(new URL(page.url()).hash).toBe('');
    await page.getByRole('heading', { name: 'Which servers should Intercept protect?' }).waitFor();
    await expectSound(stage);
    await tabTo(page, /^calendar/);
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Start 2 servers' }).waitFor();
    await tabTo(page, /^Start 2 servers/);
    await page.keyboard.press('Enter');
    await until('the servers to be started', () => stage.scans[0]);
    expect(stage.scans).toEqual([['shop', 'filesystem']]);
    await page.getByRole('button', { name: 'shop starting' }).waitFor();
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
    for (const { id, state } of manyServers()) if (stage.scans[0]?.includes(id)) stage.put(id, state);
    await page.getByRole('heading', { name: 'Destructive' }).waitFor();
    await expectSound(stage);
    await chooseByKeys(stage);
    await tabTo(page, /^Next$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Enforce at once, or watch first?' }).waitFor();
    await expectSound(stage);
    await tabTo(page, /^Enforce from the first call/);
    await page.keyboard.press('ArrowDown');
    await until('watching first', () => (chooser.state().mode === 'shadow' ? true : undefined));
    await tabTo(page, /^Finish$/);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Go on in the terminal' }).waitFor();
    await expectSound(stage);
    const choice = await chooser.done;
    if (choice === 'cancelled') throw new Error('it was cancelled');
    expect(choice.mode).toBe('shadow');
    expect([...(choice.servers.get('shop')?.columns ?? [])]).toEqual([
      ['cancel_subscription', 'approve'],
      ['delete_customer', 'hide'],
      ...['create_charge', 'create_invoice', 'create_payment_link', 'create_refund', 'finalize_invoice'].map((name): [string, 'deny'] => [
        name,
        'deny',
      ]),
    ]);
    expect(choice.servers.get('calendar')?.cover).toBe('open');
  }, 120_000);

  /** A tool by arrows, the next by its digit, and a class at once; one of them is undone. */
  async function chooseByKeys({ page, chooser }: Stage): Promise<void> {
    const columns = () => [...(chooser.state().servers[0]?.columns ?? [])].map(([name, column]) => `${name} ${column}`);
    await page.getByText('name: shop').waitFor();
    await tabTo(page, /^(?:Deny)+$/);
    await page.keyboard.press('ArrowLeft');
    await until('the first choice', () => (columns().length === 1 ? true : undefined));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('5');
    await until('the second choice', () => (columns().length === 2 ? true : undefined));
    expect(columns()).toEqual(['cancel_subscription approve', 'delete_customer hide']);
    await page.getByText('hide:').first().waitFor();
    expect(await page.locator('.line.here').first().textContent()).toContain('delete_customer');
    await tabTo(page, /^Deny: all 5 Financial tools/);
    await page.keyboard.press('Enter');
    await until('the class', () => (columns().length === 7 ? true : undefined));
    await page.getByText('Deny: all 5 Financial tools.').waitFor({ state: 'attached' });
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await until('another column', () => (columns().length === 2 ? true : undefined));
    await tabTo(page, /^Undo$/);
    await page.keyboard.press('Enter');
    await until('it to be undone', () => (columns().length === 7 ? true : undefined));
  }

  test('is a list of groups and columns for those who listen', async () => {
    await using stage = await open(manyServers());
    await stage.page.getByRole('heading', { name: 'Destructive' }).waitFor();
    await until('the columns', async () => ((await chosen(stage.page, 'delete_customer')) === 'deny' ? true : undefined));
    const tree = await stage.page.locator('main').ariaSnapshot();
    expect(tree).toContain('- navigation "Servers"');
    expect(tree).toContain('- button "shop 17 tools"');
    expect(tree).toContain('- radiogroup "delete_customer"');
    expect(tree).toContain('- radio "Deny" [checked]');
    expect(tree).toContain('button "Hide: all 3 Destructive tools"');
    expect(tree).toContain('- heading "Financial 5" [level=3]');
    await expectSound(stage);
  }, 60_000);

  test.each(LOOKS)(
    'looks right at $width px, $colorScheme',
    async ({ width, height, colorScheme }) => {
      await using stage = await open(foundServers(), { viewport: { width, height }, colorScheme });
      const { page } = stage;
      const keep = async (name: string) => {
        await page.evaluate('scrollTo(0, 0)');
        await stage.browser.picture(`${name}-${width}-${colorScheme}`, 'in sight');
      };
      await keep('1-servers');
      await page.getByRole('button', { name: 'Start 3 servers' }).click();
      await page.getByText('Starting it').waitFor();
      await expectSound(stage);
      await keep('2-starting');
      for (const { id, state } of manyServers()) if (id !== 'house-tools') stage.put(id, state);
      await page.getByRole('heading', { name: 'Destructive' }).waitFor();
      await page.getByText('name: shop').waitFor({ state: 'attached' });
      await page.getByRole('radiogroup', { name: 'create_refund' }).getByRole('radio', { name: 'Hide' }).check();
      await page.getByText('1 changed').waitFor();
      await expectSound(stage);
      await keep('3-rules');
      if (width < 1360) {
        await page.getByRole('button', { name: 'Policy' }).click();
        await page.getByRole('region', { name: 'The policy as it will be written' }).waitFor();
        await keep('4-policy');
        await page.getByRole('button', { name: 'Close' }).click();
      }
      await page.getByRole('button', { name: /^github/ }).click();
      await page.getByText('Use the policy from the library').waitFor();
      await expectSound(stage);
      await keep('5-failed');
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByRole('heading', { name: 'Enforce at once' }).waitFor();
      await expectSound(stage);
      await keep('6-mode');
    },
    60_000,
  );

  test('shows hostile names and descriptions as text', async () => {
    await using stage = await open([hostileServer()], { viewport: { width: 900, height: 900 } });
    const { page } = stage;
    await page.getByRole('heading', { name: 'Destructive' }).waitFor();
    const text = await page.locator('main').textContent();
    expect(text).toContain('<img src=x onerror="document.title=1">');
    expect(text).toContain('<script>document.title=2</script>');
    expect(text).toContain('U+202E right-to-left override');
    expect(text).toContain('U+0430 looks like a');
    expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    expect(await page.title()).toBe('Rules · Intercept');
    expect(await page.evaluate('document.querySelectorAll("img, main script, main style, main a").length')).toBe(0);
    await page.getByText('Left out:').first().waitFor({ state: 'attached' });
    await expectSound(stage);
    await stage.browser.picture('7-hostile', 'in sight');
  }, 60_000);

  test('takes 10,000 tools: some at first, all by search, a class at once', async () => {
    const many = Array.from(
      { length: 10_000 },
      (_, index) => [`list_${index}`, index % 10 === 0 ? 'Destructive' : 'Read', 'a'.repeat(300)] as const,
    );
    await using stage = await open([serverOf('many', scanned('many', many))]);
    const { page, chooser } = stage;
    await page.getByRole('heading', { name: 'Destructive 1000' }).waitFor();
    expect(await page.locator('.row').count()).toBe(120);
    await page.getByRole('button', { name: 'Show 200 of 8,940 more tools' }).click();
    expect(await page.locator('.row').count()).toBe(320);
    await page.keyboard.press('/');
    await page.keyboard.type('list_9999');
    await page.getByRole('radiogroup', { name: 'list_9999' }).getByRole('radio', { name: 'Hide' }).check();
    await until('the choice', () => chooser.state().servers[0]?.columns.get('list_9999'));
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: 'Require approval: all 9000 Read tools' }).click();
    await until('the class', () => (chooser.state().servers[0]?.columns.size === 9_000 ? true : undefined));
    await page.getByText('9000 Require approval').waitFor();
    expect(stage.browser.faults).toEqual([]);
  }, 120_000);

  test('is the same in two tabs, and ends in both', async () => {
    await using stage = await open(manyServers());
    const { page } = stage;
    const second = await page.context().newPage();
    await second.goto(new URL(page.url()).origin);
    await second.getByRole('heading', { name: 'Destructive' }).waitFor();
    await page.getByRole('radiogroup', { name: 'delete_customer' }).getByRole('radio', { name: 'Allow' }).check();
    await until('the other tab', async () => ((await chosen(second, 'delete_customer')) === 'allow' ? true : undefined));
    await second.getByRole('button', { name: 'Cancel' }).click();
    await second.getByRole('button', { name: 'Go on choosing' }).click();
    await second.getByRole('button', { name: 'Cancel' }).click();
    await second.getByRole('button', { name: 'Cancel the set-up' }).click();
    for (const tab of [page, second]) await tab.getByRole('heading', { name: 'Cancelled' }).waitFor();
    expect(await stage.chooser.done).toBe('cancelled');
  }, 60_000);

  test('says so where its link is of no use, and takes the next one', async () => {
    await using stage = await open(manyServers());
    await using other = await openPage({}, 'setup-page');
    const { origin } = new URL(stage.page.url());
    await other.page.goto(`${origin}/#k=${'x'.repeat(43)}`);
    await other.page.getByRole('heading', { name: 'This page opens by its link' }).waitFor();
    expect(await faultsOf(other.page)).toEqual([]);
    await other.page.goto(stage.door.newLink());
    await other.page.getByRole('heading', { name: 'Destructive' }).waitFor();
    expect(new URL(other.page.url()).hash).toBe('');
    expect([...other.faults, ...stage.browser.faults]).toEqual([]);
  }, 60_000);
});
