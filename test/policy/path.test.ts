import { describe, expect, test } from 'bun:test';
import { parseArgPath, parseStatePath, renderStatePath } from '../../src/policy/format/path.ts';

const key = (text: string) => ({ kind: 'key', key: text }) as const;

describe('policy.md §4: paths into the arguments', () => {
  test.each([
    ['args.amount', [key('amount')]],
    ['args.metadata.key', [key('metadata'), key('key')]],
    ['args.items[0].price', [key('items'), { kind: 'index', index: 0 }, key('price')]],
    ['args["a.b"]', [key('a.b')]],
    ['args["a\\"]\\u0062"].c', [key('a"]b'), key('c')]],
    ['args.to[*]', [key('to'), { kind: 'every' }]],
    ['args.__proto__', [key('__proto__')]],
    ['args.größe', [key('größe')]],
    ['args.0', [key('0')]],
    ['args[""]', [key('')]],
  ] as const)('%s', (text, segments) => {
    expect(parseArgPath(text)).toEqual({ text, segments: [...segments] });
  });

  test.each([
    '',
    'args',
    'args.',
    'amount',
    'args..a',
    'args.a b',
    'args[01]',
    'args[-1]',
    'args.*',
    "args['a']",
    'args["a]',
    'args["\\x"]',
    'argsx.a',
    'args.a.',
    'state.a.b',
  ])('%j is none', (text) => {
    expect(parseArgPath(text)).toBeUndefined();
  });
});

describe('policy.md §4: paths of counters', () => {
  test.each([
    ['state.create_refund.daily', { key: 'create_refund', counter: 'daily' }],
    ['state.stripe.pay.sum', { key: 'stripe.pay', counter: 'sum' }],
    ['state.get_*.n', { key: 'get_*', counter: 'n' }],
    ['state._global.n', { key: '*', counter: 'n' }],
    ['state["a b"].n', { key: 'a b', counter: 'n' }],
  ] as const)('%s', (text, path) => {
    expect(parseStatePath(text)).toEqual(path);
  });

  test.each(['state', 'state.n', 'state..n', 'state.a.', 'args.a.b', 'state.a.b c'])('%j is none', (text) => {
    expect(parseStatePath(text)).toBeUndefined();
  });

  test('the scope of "*" is written _global', () => {
    expect(renderStatePath({ key: '*', counter: 'n' })).toBe('state._global.n');
  });
});
