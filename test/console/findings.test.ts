/** What people met on the approval page, in a real browser before a server whose clock the test moves. */
import { describe, expect, test } from 'bun:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { TOKEN, useDesk } from '../admin/fixture.ts';
import { type OpenPage, openPage, whyNoBrowser } from '../harness/browser.ts';
import { faultsOf } from './accessibility.ts';

const desk = useDesk();
const missing = await whyNoBrowser();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

async function open(path: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const browser = await openPage(options);
  await browser.page.goto(desk.origin + path);
  await browser.page.getByLabel('Admin token').fill(TOKEN);
  await browser.page.keyboard.press('Enter');
  await browser.page.getByRole('heading', { level: 1 }).filter({ hasNotText: 'Sign in' }).waitFor();
  return browser;
}

/** In the order in which they stand. */
const headings = (page: Page) => page.locator('h2').allInnerTexts();

describe.skipIf(missing !== undefined)('policy.md §12: the page', () => {
  test('shows arguments before anything else of the call', async () => {
    await using browser = await open(`/approvals/${await desk.hold('f', { args: '{"amount":52000}' })}`);
    expect(await headings(browser.page)).toEqual(['Arguments', 'Why it waits', 'Approving overrides', 'Who asks', 'Your decision']);
    expect(await faultsOf(browser.page)).toEqual([]);
    expect(browser.faults).toEqual([]);
  }, 60_000);

  test.each([360, 430])(
    'has its buttons at hand on a phone of %i px, whatever is above them',
    async (width) => {
      const args = JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`name${index}`, `value ${index}`])));
      const viewport = { width, height: 740 };
      await using browser = await open(`/approvals/${await desk.hold('f', { args })}`, { viewport, colorScheme: 'dark', hasTouch: true });
      const { page } = browser;
      const buttons = ['Deny', 'Approve'].map((name) => page.getByRole('button', { name }));
      const boxes = await Promise.all(buttons.map((button) => button.boundingBox()));
      const [deny = null, approve = null] = boxes;
      for (const box of boxes) expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(viewport.height);
      for (const box of boxes) expect(box?.height).toBeGreaterThanOrEqual(44);
      expect((approve?.x ?? 0) - (deny?.x ?? 0) - (deny?.width ?? 0)).toBeGreaterThanOrEqual(16);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      await page.getByLabel('Reason').focus();
      const [field, bar] = [await page.getByLabel('Reason').boundingBox(), await page.locator('.actions').boundingBox()];
      expect((field?.y ?? 0) + (field?.height ?? 0)).toBeLessThanOrEqual(bar?.y ?? 0);
      expect(await faultsOf(page)).toEqual([]);
      expect(browser.faults).toEqual([]);
    },
    60_000,
  );

  test('shows on a card in what calls differ: arguments, agent, age', async () => {
    const same = { currency: 'usd', note: 'a\nb', a: 1, b: 2, c: 3, d: 4, e: 5 };
    await desk.hold('f', { call: 'f', tool: 'create_refund', agent: 'otto', args: JSON.stringify({ ...same, amount: 52_000 }) });
    desk.clock.now += 180_000;
    await desk.hold('g', { call: 'g', tool: 'create_refund', agent: undefined, args: JSON.stringify({ ...same, amount: 99_900 }) });
    await desk.hold('h', { call: 'h', tool: 'list_refunds', args: '{}' });
    desk.clock.now += 120_000;
    await using browser = await open('/approvals');
    const { page } = browser;
    const cards = await page.locator('.list a').allInnerTexts();
    expect(cards.map((card) => /amount \d+/.exec(card)?.[0])).toEqual(['amount 52000', 'amount 99900', undefined]);
    expect(cards.map((card) => /Agent .*? ·/.exec(card)?.[0])).toEqual(['Agent otto ·', 'Agent not known ·', 'Agent anna ·']);
    expect(cards.map((card) => /asked (.*?) ·/.exec(card)?.[1]?.replace(/ \d+ s/, ''))).toEqual(['5 min ago', '2 min ago', '2 min ago']);
    expect(cards[2]).toContain('without arguments');
    const line = await page.locator('.brief').first().textContent();
    expect(line).toStartWith('amount 52000 · currency usd · note a↵');
    expect(line).toEndWith(' · …');
    expect(await page.locator('.brief br').count()).toBe(0);
    expect(await faultsOf(page)).toEqual([]);
    expect(browser.faults).toEqual([]);
  }, 60_000);

  test('has a bar of the whole time-out, not of what was left when it was opened', async () => {
    const id = await desk.hold();
    desk.clock.now += 675_000;
    await using browser = await open(`/approvals/${id}`, { reducedMotion: 'reduce' });
    const width = await browser.page.evaluate('parseFloat(document.getElementById("bar").style.width)');
    expect(width).toBeGreaterThan(15);
    expect(width).toBeLessThanOrEqual(25);
  }, 60_000);

  test('is what the address without a path leads to', async () => {
    await using browser = await open('/');
    expect(new URL(browser.page.url()).pathname).toBe('/approvals');
  }, 60_000);

  test('asks for a name where the system knows none', async () => {
    desk.operator = 'unknown';
    const id = await desk.hold();
    await using browser = await open(`/approvals/${id}`);
    expect(await browser.page.getByLabel('Your name').inputValue()).toBe('');
  }, 60_000);
});
