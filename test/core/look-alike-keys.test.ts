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

const OBJECTS: readonly (readonly [string, string, string])[] = [
  ['eq', '{action: deny, conditions: [{path: args.order, op: eq, value: {amount: 9999}}]}', 'denied rule'],
  ['neq', '{conditions: [{path: args.order, op: neq, value: {amount: 9999}}]}', 'denied indeterminate'],
  ['in', '{action: deny, conditions: [{path: args.order, op: in, value: [{amount: 9999}]}]}', 'denied rule'],
  ['not_in', '{conditions: [{path: args.order, op: not_in, value: [1, {amount: 9999}]}]}', 'denied indeterminate'],
  ['contains', '{action: deny, conditions: [{path: args.orders, op: contains, value: {amount: 9999}}]}', 'denied rule'],
  ['not_contains', '{conditions: [{path: args.orders, op: not_contains, value: {amount: 9999}}]}', 'denied indeterminate'],
  ['neq in a list', '{conditions: [{path: args.orders, op: neq, value: [{amount: 9999}]}]}', 'denied indeterminate'],
  ['neq deep', '{conditions: [{path: args.deep, op: neq, value: {orders: [{amount: 9999}]}}]}', 'denied indeterminate'],
];
const HIDDEN = [...SPELLINGS, 'am\u00adount', 'amount\0', 'amount\0x', '\ufeffamount', 'amou\u0001nt', 'AMOUNT\ufffd'];

describe.each(OBJECTS)('an object that is compared: %s', (_, rule, expected) => {
  test.each(HIDDEN)('%j', async (key) => {
    const rig = await openRig({ policy: policy(rule), respond });
    for (const order of [{ amount: 1, [key]: 9_999 }, { [key]: 9_999, amount: 1 }, { [key]: 9_999 }])
      expect(verdict(await rig.call('buy', { order, orders: [order], deep: { orders: [order] } }))).toBe(expected);
    expect(rig.executed()).toEqual([]);
  });
});

test('an object that is compared may have other keys, and an equal one is equal', async () => {
  const rig = await openRig({ policy: policy('{conditions: [{path: args.order, op: neq, value: {amount: 9999, Amount: 1}}]}'), respond });
  expect(verdict(await rig.call('buy', { order: { amount: 9_999, amounts: 1 } }))).toBe('server');
  expect(verdict(await rig.call('buy', { order: { Amount: 1, amount: 9_999 } }))).toBe('denied rule');
});
