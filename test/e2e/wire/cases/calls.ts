/** Calls that cannot be decoded, calls without an id, odd ids, odd names (wire.md §2.4, §2.5, §2.7; policy.md §2). */
import { type Attack, attacks, call, DANGER, denied, ID, passed, refused, SAFE } from '../attack.ts';

const badCall = refused(-32602, 'bad_call');
const badId = refused(-32600, 'bad_id', 'null');
const notRpc = refused(-32600, 'not_json_rpc');
const lookAlike = refused(-32600, 'look_alike_method');

const UNDECODABLE = attacks('4 undecodable calls', [
  ['params is a list', '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":["danger",{}]}', refused(-32602, 'bad_params')],
  ['params is a text', '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":"danger"}', refused(-32602, 'bad_params')],
  ['params is null', '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":null}', badCall],
  ['no params', '{"jsonrpc":"2.0","id":"a","method":"tools/call"}', badCall],
  ['name is a list', call('"name":["danger"],"arguments":{}'), badCall],
  ['name is an object', call('"name":{"danger":true}'), badCall],
  ['name is null', call('"name":null,"arguments":{}'), badCall],
  ['name is a number', call('"name":7'), badCall],
  ['arguments is a list', call('"name":"safe","arguments":[1]'), badCall],
  ['arguments is a text', call('"name":"safe","arguments":"{\\"amount\\":1}"'), badCall],
  ['arguments is a number', call('"name":"safe","arguments":1'), badCall],
  ['arguments is false', call('"name":"safe","arguments":false'), badCall],
  ['arguments is null: absent, and judged so', call('"name":"safe","arguments":null'), denied],
  ['a member beside the arguments', call(`${SAFE},"args":{"amount":9999}`), badCall],
  ['options beside the arguments', call(`${SAFE},"options":{"currency":"BTC"}`), badCall],
  ['arguments of another name alone', call('"name":"safe","input":{"amount":9999}'), badCall],
  ['a member that is null', call(`${SAFE},"input":null`), badCall],
  ['_meta of the client', call(`${SAFE},"_meta":{"example.com/account":"ceo","progressToken":"p"}`), passed],
  ['_meta is a list', call(`${SAFE},"_meta":[]`), badCall],
  ['task is a text', call(`${SAFE},"task":"x"`), badCall],
  ['requestState is an object', call(`${SAFE},"requestState":{}`), badCall],
  ['method and result', call(DANGER, ID, ',"result":{}'), refused(-32600, 'not_json_rpc', 'null')],
  ['method and error', call(DANGER, ID, ',"error":{"code":1,"message":""}'), refused(-32600, 'not_json_rpc', 'null')],
  ['method is a list', `{"jsonrpc":"2.0","id":"a","method":["tools/call"],"params":{${DANGER}}}`, notRpc],
  ['method in capitals is another method', `{"jsonrpc":"2.0","id":"a","method":"Tools/Call","params":{${DANGER}}}`, lookAlike],
  ['a slash too many in the method', `{"jsonrpc":"2.0","id":"a","method":"tools//call","params":{${DANGER}}}`, lookAlike],
  ['another slash in the method', `{"jsonrpc":"2.0","id":"a","method":"tools\u2215call","params":{${DANGER}}}`, lookAlike],
  ['a blank behind the method', `{"jsonrpc":"2.0","id":"a","method":"tools/call ","params":{${DANGER}}}`, lookAlike],
  ['NUL behind the method', `{"jsonrpc":"2.0","id":"a","method":"tools/call\\u0000x","params":{${DANGER}}}`, lookAlike],
  [
    'a look-alike method without an id',
    `{"jsonrpc":"2.0","method":"Tools/Call","params":{${DANGER}}}`,
    { kind: 'nothing', reason: 'look_alike_method' },
  ],
  ['another method of tools', `{"jsonrpc":"2.0","id":"a","method":"tools/execute","params":{${DANGER}}}`, { kind: 'either' }],
  ['no jsonrpc', `{"id":"a","method":"tools/call","params":{${DANGER}}}`, notRpc],
  ['jsonrpc 1.0', `{"jsonrpc":"1.0","id":"a","method":"tools/call","params":{${DANGER}}}`, notRpc],
  ['jsonrpc as a number', `{"jsonrpc":2.0,"id":"a","method":"tools/call","params":{${DANGER}}}`, notRpc],
  ['a text', '"tools/call"', refused(-32600, 'not_json_rpc', 'null')],
  ['null', 'null', refused(-32600, 'not_json_rpc', 'null')],
  ['an empty object', '{}', refused(-32600, 'not_json_rpc', 'null')],
  ['the amount as a text', call('"name":"safe","arguments":{"amount":"1"}'), denied],
  ['the amount as a list', call('"name":"safe","arguments":{"amount":[1]}'), denied],
  ['an amount that no double holds', call('"name":"safe","arguments":{"amount":1e400}'), denied],
  ['an amount that a double rounds to the limit', call('"name":"safe","arguments":{"amount":10.00000000000000000001}'), denied],
  ['an amount far below the limit', call('"name":"safe","arguments":{"amount":-1e300}'), passed],
  ['an amount written with an exponent', call('"name":"safe","arguments":{"amount":1e1}'), passed],
]);

const WITHOUT_ID = attacks('5 calls without an id', [
  ['denied', call(DANGER, ''), { kind: 'nothing' }],
  ['denied by its arguments', call('"name":"safe","arguments":{"amount":99}', ''), { kind: 'nothing' }],
  ['undecodable', call('"name":["danger"]', ''), { kind: 'nothing', reason: 'bad_call' }],
  ['allowed: judged and forwarded', call(SAFE, ''), { kind: 'forwarded' }],
]);

const IDS = attacks('7 ids', [
  ['null', call(DANGER, 'null'), badId],
  ['1.5', call(DANGER, '1.5'), badId],
  ['1e0', call(DANGER, '1e0'), badId],
  ['1.0', call(DANGER, '1.0'), badId],
  ['an object', call(DANGER, '{"a":1}'), badId],
  ['a list', call(DANGER, '["a"]'), badId],
  ['true', call(DANGER, 'true'), badId],
  ['over 1 KiB', call(DANGER, `"${'i'.repeat(1025)}"`), badId],
  ['of 1 KiB', call(DANGER, `"${'i'.repeat(1024)}"`), { kind: 'denied', id: `"${'i'.repeat(1024)}"` }],
  ['the empty text', call(DANGER, '""'), { kind: 'denied', id: '""' }],
  ['a number', call(DANGER, '1'), { kind: 'denied', id: '1' }],
  ['the same number as a text', call(DANGER, '"1"'), { kind: 'denied', id: '"1"' }],
  ['below zero', call(DANGER, '-7'), { kind: 'denied', id: '-7' }],
  ['beyond a double', call(DANGER, '9007199254740993'), { kind: 'denied', id: '9007199254740993' }],
  ['a guess at one of ours', call(DANGER, '"intercept-1-1"'), { kind: 'denied', id: '"intercept-1-1"' }],
]);

const NAMES = attacks('look-alike names', [
  ['capitals', call('"name":"Danger"'), denied],
  ['a space behind', call('"name":"danger "'), denied],
  ['a line feed behind', call('"name":"danger\\n"'), denied],
  ['a no-break space before', call('"name":"\u00a0danger"'), denied],
  ['a zero-width joiner', call('"name":"dan\u200dger"'), denied],
  ['a zero-width space', call('"name":"\u200bdanger"'), denied],
  ['full-width letters', call('"name":"\uff44\uff41\uff4e\uff47\uff45\uff52"'), denied],
  ['mathematical letters', call('"name":"\u{1d41d}\u{1d41a}\u{1d427}\u{1d420}\u{1d41e}\u{1d42b}"'), denied],
  ['a circled letter', call('"name":"\u24d3anger"'), denied],
  ['a BOM', call('"name":"\ufeffdanger"'), denied],
  ['a bidi override', call('"name":"\u202edanger"'), denied],
  ['a soft hyphen', call('"name":"dan\u00adger"'), denied],
  ['escapes', call('"name":"\\u0064anger"'), denied],
  ['the allowed tool in capitals, above its limit', call('"name":"SAFE","arguments":{"amount":99}'), denied],
  ['the allowed tool with a space, above its limit', call('"name":"safe ","arguments":{"amount":99}'), denied],
  ['over 1 KiB', call(`"name":"${'n'.repeat(1025)}"`), badCall],
]);

export const CALLS: readonly Attack[] = [...UNDECODABLE, ...WITHOUT_ID, ...IDS, ...NAMES];
