/** policy.md §1.2, §4: an argument that is there under two spellings is known under neither. */
import { describe, expect, test } from 'bun:test';
import { OK, openRig, type Responder, verdict } from '../proxy/fixture.ts';

const policy = (rule: string) => `version: "1"\nname: p\ntools:\n  buy:\n    rules:\n      - ${rule}\n`;
const respond: Responder = ({ method }) => ({ result: method === 'tools/call' ? OK : { tools: [] } });
const RULES: readonly (readonly [string, string, string])[] = [
  ['spend', '{spend: {daily: 10}}', 'denied unpriceable'],
  ['spend from', '{spend: {daily: 10, from: args.amount}}', 'denied unpriceable'],
  ['a condition', '{conditions: [{path: args.amount, op: lte, value: 10}]}', 'denied indeterminate'],
  ['exists', '{conditions: [{path: args.amount, op: exists, value: false}]}', 'denied indeterminate'],
  ['a schema', '{arguments: {amount: {maximum: 10, optional: true}}}', 'denied schema'],
  ['a counter', '{state: {counter: c, window: day, increment_from: args.amount}}', 'denied indeterminate'],
  ['an approval', '{action: require_approval, when: [{path: args.amount, op: gt, value: 10}]}', 'held approval_required'],
];
const SPELLINGS = ['Amount', 'AMOUNT', 'amount ', 'amo\u200bunt', 'ａmount'];

describe.each(RULES)('%s', (_, rule, expected) => {
  test.each(SPELLINGS)('%j', async (key) => {
    const rig = await openRig({ policy: policy(rule), respond });
    expect(verdict(await rig.call('buy', { amount: 1, [key]: 5_000 }))).toBe(expected);
    expect(verdict(await rig.call('buy', { [key]: 5_000, amount: 1 }))).toBe(expected);
    expect(rig.executed()).toEqual([]);
  });
});

test('inside an object, too; other keys are no matter', async () => {
  const rig = await openRig({ policy: policy('{conditions: [{path: args.pay.amount, op: lte, value: 10}]}'), respond });
  expect(verdict(await rig.call('buy', { pay: { amount: 1, Amount: 5_000 } }))).toBe('denied indeterminate');
  expect(verdict(await rig.call('buy', { pay: { amount: 1, amounts: 5, accountId: 'x' }, Amount: 5_000 }))).toBe('server');
});
