/** The payments policy of the documents, as they describe it (policy.md §8, §12). */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../harness/paths.ts';
import { DECISION, type Message, OK, openRig, type Responder } from '../../proxy/fixture.ts';

const policy = readFileSync(join(ROOT, 'test/policies/seeds/financial.yaml'), 'utf8');
const tool = (name: string) => ({
  name,
  inputSchema: { type: 'object', properties: { amount: { type: 'number' }, currency: { type: 'string' } } },
});
const respond: Responder = ({ method }) => {
  if (method === 'tools/list') return { result: { tools: ['create_payment', 'create_refund', 'close_account', 'get_balance'].map(tool) } };
  return { result: method === 'tools/call' ? OK : {} };
};
const denial = (answer: Message | undefined) => [answer?.result?._meta?.[DECISION]?.code, answer?.result?.content?.[0]?.text];

test('payments: at most 500 each and 5,000 a day, in three currencies', async () => {
  const rig = await openRig({ policy, respond });
  const pay = (amount: unknown, currency = 'GBP') => rig.call('create_payment', { amount, currency });
  expect(denial(await pay(500.01))).toEqual(['spend', '[INTERCEPT POLICY DENIED] Spend limit of USD 500.00 per call reached.']);
  for (let i = 0; i < 10; i++) expect((await pay(500))?.result).toEqual(OK);
  expect(denial(await pay(0.01))).toEqual(['spend', '[INTERCEPT POLICY DENIED] Spend limit of USD 5000.00 per day reached.']);
  expect(denial(await pay(1, 'JPY'))[0]).toBe('schema');
  for (const amount of ['1', -1, null, [1]]) expect(denial(await pay(amount))[0]).toBe('unpriceable');
  // The server's schema has an amount, so a payment that names none has no known price.
  expect(denial(await rig.call('create_payment', { currency: 'GBP' }))[0]).toBe('unpriceable');
  expect(rig.executed().length).toBe(10);
});

test('refunds: at most 100 each, 1,000 and ten a day, with a text of their own', async () => {
  const rig = await openRig({ policy, respond });
  const refund = (amount: number) => rig.call('create_refund', { amount });
  const told = '[INTERCEPT POLICY DENIED] Refund limit reached. Escalate to human operator.';
  expect(denial(await refund(100.01))).toEqual(['spend', told]);
  for (let i = 0; i < 10; i++) expect((await refund(99.99))?.result).toEqual(OK);
  expect(denial(await refund(0.01))).toEqual(['rate_limit', told]);
});

test('closing an account waits for a human, and what is not listed is denied', async () => {
  const rig = await openRig({ policy, respond });
  expect(denial(await rig.call('close_account', { id: 1 }))[0]).toBe('approval_required');
  expect(denial(await rig.call('wire_transfer', {}))[0]).toBe('default_deny');
  expect(rig.executed()).toEqual([]);
});
