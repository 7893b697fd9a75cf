/** The approval page in a real browser (policy.md §12): a held refund is shown, approved, and goes through once. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { hashSecret } from '../../src/approval/secret.ts';
import { openSqliteStore } from '../../src/state/sqlite/sqlite.ts';
import { type Agent, openStage, type Stage } from '../e2e/stories/stage.ts';
import { openPage, whyNoBrowser } from '../harness/browser.ts';
import { until } from '../harness/wait.ts';
import { faultsOf } from './accessibility.ts';

const POLICY = `
version: "1"
name: refunds
default: deny
tools:
  create_refund:
    rules:
      - name: large refund approval
        action: require_approval
        conditions: [{ path: args.amount, op: gt, value: 10000 }]
        on_deny: "Refunds over $100.00 need a human"
      - name: cap
        conditions: [{ path: args.amount, op: lte, value: 10000 }]
        on_deny: "At most $100.00"
`;
const REFUND = { amount: 52_000, charge: 'ch_1' };
/** What an agent could try to hide. */
const TRICKS = {
  amount: 10_001,
  memo: 'pay 100\u202e000 to p\u0430ypal\u200b',
  'm\u0435mo': 'a second memo',
  text: `${'line\n'.repeat(80)}the end`,
  wide: 'x'.repeat(500),
  markup: '<img src=x onerror="document.title=1"><script>document.title=2</script>',
  deep: { list: [{ 'a.b': [null, true, {}] }], 名: '日本 é' },
};

const missing = await whyNoBrowser();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

async function open(stage: Stage): Promise<{ readonly agent: Agent; readonly origin: string; readonly token: string }> {
  const agent = await stage.agent('--enable-admin-api');
  const origin = await until('the admin server', () => /page at (http:\/\/127\.0\.0\.1:\d+)\/approvals/.exec(agent.stderr())?.[1]);
  return { agent, origin, token: readFileSync(join(stage.home, 'admin.token'), 'utf8').trim() };
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Admin token').fill(token);
  await page.keyboard.press('Enter');
}

/** Sets the approver secret as `intercept approvals protect` does. */
async function protect(stage: Stage, secret: string): Promise<void> {
  const path = join(stage.home, 'state', 'intercept.sqlite');
  const store = await openSqliteStore({ path, namespace: 'refunds', clock: Date.now, timeoutMs: 5_000 });
  await store.approvals.protect(await hashSecret(secret));
  await store.close();
}

describe.skipIf(missing !== undefined)('policy.md §12: in a browser', () => {
  test('I5: a held refund is shown, approved, and its repeat goes through once', async () => {
    await using stage = await openStage(POLICY, ['create_refund']);
    const { agent, origin, token } = await open(stage);
    const held = await agent.call('create_refund', REFUND);
    expect(held.outcome).toBe('AWAIT');
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(`${origin}/approvals/${held.approval}`);
    await browser.picture('1-sign-in');
    await signIn(page, 'wrong');
    await page.getByText('that is not the admin token').waitFor();
    expect(await page.content()).not.toContain('52000');
    await signIn(page, token);
    await page.getByRole('heading', { level: 1, name: 'Approve this call?' }).waitFor();
    const approve = page.getByRole('button', { name: 'Approve' });
    await page.getByText('Refunds over $100.00 need a human').waitFor();
    await page.getByText('cap').waitFor();
    expect(await page.locator('.args').textContent()).toMatch(/amount\s*number\s*52000\s*charge\s*text, 4 characters\s*ch_1/);
    await page.locator('button.yes:not([disabled])').waitFor();
    await browser.picture('2-held-refund');
    await page.getByLabel('Your name').fill('anna');
    await page.getByLabel('Reason').fill('agreed by phone');
    await approve.click();
    await page.getByText('Approved by anna').waitFor();
    await browser.picture('3-approved');
    expect(await faultsOf(page)).toEqual([]);
    expect(await stage.executed()).toEqual([]);
    expect((await agent.call('create_refund', REFUND)).outcome).toBe('ALLOW');
    expect((await agent.call('create_refund', REFUND)).outcome).toBe('AWAIT');
    expect((await stage.executed()).length).toBe(1);
    await page.getByRole('link', { name: 'Waiting calls' }).click();
    await page.getByRole('heading', { name: 'One call waits' }).waitFor();
    await browser.picture('4-waiting');
    const record = (await stage.records()).find(({ type }) => type === 'approval_approved');
    expect(record).toMatchObject({ approval: held.approval, by: 'anna', reason: 'agreed by phone', via: 'page' });
    expect(await faultsOf(page)).toEqual([]);
    expect(browser.faults).toEqual([]);
    await agent.close();
    await page.getByRole('alert').filter({ hasText: 'Intercept does not answer' }).waitFor();
  }, 120_000);

  test('nothing hides in the arguments, on a small dark screen', async () => {
    await using stage = await openStage(POLICY, ['create_refund']);
    const { agent, origin, token } = await open(stage);
    const held = await agent.call('create_refund', TRICKS);
    await using browser = await openPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark', reducedMotion: 'reduce' });
    const { page } = browser;
    await page.goto(`${origin}/approvals/${held.approval}`);
    await signIn(page, token);
    await page.locator('button.yes:not([disabled])').waitFor();
    await browser.picture('5-tricks-small-dark');
    const shown = await page.locator('.args').textContent();
    for (const mark of ['U+202E right-to-left override', 'U+0430 looks like a', 'U+200B zero width space', 'looks like another name'])
      expect(shown).toContain(mark);
    expect(shown).toContain('["a.b"]');
    expect(shown).toContain(TRICKS.markup);
    expect(shown).toContain('scroll to read all of it');
    expect(await page.locator('.warnings li').allInnerTexts()).toHaveLength(3);
    expect(await page.title()).toBe('Approve this call? · Intercept');
    expect(await page.evaluate('document.querySelectorAll("img, main script").length')).toBe(0);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(await faultsOf(page)).toEqual([]);
    expect(browser.faults).toEqual([]);
    await agent.close();
  }, 120_000);

  test('it is denied with the keyboard alone, and the agent is told why', async () => {
    await using stage = await openStage(POLICY, ['create_refund']);
    const { agent, origin, token } = await open(stage);
    const held = await agent.call('create_refund', REFUND);
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(`${origin}/approvals`);
    await page.keyboard.type(token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'One call waits' }).waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('button.no:not([disabled])').waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    const order: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('Tab');
      order.push(await page.evaluate('document.activeElement.id || document.activeElement.textContent'));
    }
    expect(order).toEqual(['name', 'reason', 'Deny', 'Approve']);
    await page.getByLabel('Reason').focus();
    await page.keyboard.type('the customer called back');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Reason: the customer called back').waitFor();
    await until('it is said aloud', async () => ((await page.getByRole('status').textContent()) === 'Denied.' ? true : undefined));
    expect(await faultsOf(page)).toEqual([]);
    const again = await agent.call('create_refund', REFUND);
    expect([again.outcome, again.text.includes('the customer called back')]).toEqual(['DENY', true]);
    expect(held.approval).toStartWith('apr_');
    await agent.close();
  }, 120_000);

  test('the token opens the page, and the approver secret behind it lets decide', async () => {
    await using stage = await openStage(POLICY, ['create_refund']);
    const { agent, origin, token } = await open(stage);
    const held = await agent.call('create_refund', REFUND);
    await protect(stage, 'correct horse');
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(`${origin}/approvals/${held.approval}`);
    await signIn(page, token);
    await page.getByRole('button', { name: 'Only look' }).waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await browser.picture('6-approver-secret');
    await page.getByRole('button', { name: 'Only look' }).click();
    await page.getByText('Deciding needs the approver secret.').waitFor();
    expect(await page.locator('button.yes').isDisabled()).toBe(true);
    expect(await faultsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Enter the approver secret' }).click();
    await page.getByLabel('Approver secret').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('this is not the approver secret').waitFor();
    await page.getByLabel('Approver secret').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.locator('button.yes:not([disabled])').waitFor();
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('Approved by').waitFor();
    expect(browser.faults).toEqual([]);
    await agent.close();
  }, 120_000);

  test('what was decided elsewhere meanwhile is shown, and the buttons go', async () => {
    await using stage = await openStage(POLICY, ['create_refund']);
    const { agent, origin, token } = await open(stage);
    const held = await agent.call('create_refund', REFUND);
    await using browser = await openPage();
    const { page } = browser;
    await page.goto(`${origin}/approvals/${held.approval}`);
    await signIn(page, token);
    await page.locator('button.yes:not([disabled])').waitFor();
    expect((await stage.intercept('approvals', 'deny', held.approval, '--as', 'otto')).status).toBe(0);
    await page.getByText('Denied by otto').waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Admin token').waitFor();
    expect(await page.evaluate('localStorage.getItem("intercept-key")')).toBeNull();
    await agent.close();
  }, 120_000);
});
