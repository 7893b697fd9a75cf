/** Duplicate keys and keys that only look like the ones that matter (wire.md §2.2, §2.3, §2.14). */
import { type Attack, attacks, call, DANGER, denied, ID, passed, refused, SAFE } from '../attack.ts';

const duplicate = refused(-32600, 'duplicate_key');
const lookAlike = refused(-32600, 'look_alike_key');
const ARGS = '"arguments":{"amount":1}';

const DUPLICATES = attacks('2 duplicate keys', [
  ['name: allowed, then denied', call(`${SAFE},"name":"danger"`), duplicate],
  ['name: denied, then allowed', call(`"name":"danger",${SAFE}`), duplicate],
  ['name, the second escaped', call(`${SAFE},"n\\u0061me":"danger"`), duplicate],
  ['name, the first escaped', call(`"n\\u0061me":"danger",${SAFE}`), duplicate],
  ['name, in capitals of the escape', call(`${SAFE},"\\u006E\\u0061\\u006D\\u0065":"danger"`), duplicate],
  ['arguments', call(`${SAFE},"arguments":{"amount":99}`), duplicate],
  ['an argument', call('"name":"safe","arguments":{"amount":1,"amount":99}'), duplicate],
  ['an argument, one escaped', call('"name":"safe","arguments":{"amount":1,"amo\\u0075nt":99}'), duplicate],
  ['an argument deep down', call('"name":"safe","arguments":{"amount":1,"x":[{"y":{"a":1,"a":2}}]}'), duplicate],
  ['params', call(SAFE, ID, `,"params":{${DANGER}}`), duplicate],
  ['method', `{"jsonrpc":"2.0","id":"a","method":"ping","method":"tools/call","params":{${DANGER}}}`, duplicate],
  ['id', `{"jsonrpc":"2.0","id":"b","id":"a","method":"tools/call","params":{${DANGER}}}`, refused(-32600, 'duplicate_key', 'null')],
  ['jsonrpc', `{"jsonrpc":"2.0","jsonrpc":"2.0","id":"a","method":"tools/call","params":{${DANGER}}}`, duplicate],
  ['in _meta', call(`${SAFE},"_meta":{"progressToken":1,"progressToken":2}`), duplicate],
  ['an unknown member of params', call(`${SAFE},"x":1,"x":2`), duplicate],
  ['an unknown member of the message', call(SAFE, ID, ',"x":1,"x":2'), duplicate],
  [
    'behind a dozen other keys',
    call(`"name":"safe","arguments":{${Array.from({ length: 20 }, (_, i) => `"k${i}":0`).join(',')},"amount":1,"k3":1,"amount":99}`),
    duplicate,
  ],
  ['__proto__', call('"name":"safe","arguments":{"amount":1,"__proto__":{},"__proto__":{"amount":99}}'), duplicate],
  ['the empty key', call('"name":"safe","arguments":{"amount":1,"":1,"":2}'), duplicate],
]);

const LOOK_ALIKES = attacks('3 look-alike keys', [
  ['Name beside name', call(`${SAFE},"Name":"danger"`), lookAlike],
  ['NAME alone', call(`"NAME":"danger",${ARGS}`), lookAlike],
  ['ARGUMENTS beside arguments', call(`${SAFE},"ARGUMENTS":{"amount":99}`), lookAlike],
  ['argument\u017f', call(`${SAFE},"argument\u017f":{"amount":99}`), lookAlike],
  ['param\u017f', call(SAFE, ID, `,"param\u017f":{${DANGER}}`), lookAlike],
  ['param\u017f, escaped', call(SAFE, ID, `,"param\\u017f":{${DANGER}}`), lookAlike],
  ['Method beside method', `{"jsonrpc":"2.0","id":"a","method":"ping","Method":"tools/call","params":{${DANGER}}}`, lookAlike],
  ['Method alone', `{"jsonrpc":"2.0","id":"a","Method":"tools/call","params":{${DANGER}}}`, lookAlike],
  ['full-width letters', call(`${SAFE},"\uff4e\uff41\uff4d\uff45":"danger"`), lookAlike],
  ['mathematical letters', call(`${SAFE},"\u{1d427}ame":"danger"`), lookAlike],
  ['a zero-width joiner', call(`${SAFE},"na\u200dme":"danger"`), lookAlike],
  ['a soft hyphen', call(`${SAFE},"na\u00adme":"danger"`), lookAlike],
  ['a right-to-left mark', call(`${SAFE},"\u200fname":"danger"`), lookAlike],
  ['a Hangul filler', call(`${SAFE},"name\u3164":"danger"`), lookAlike],
  ['a BOM within', call(`${SAFE},"\ufeffname":"danger"`), lookAlike],
  ['NUL behind, escaped', call(`${SAFE},"name\\u0000x":"danger"`), lookAlike],
  ['white space around', call(`${SAFE}," name ":"danger"`), lookAlike],
  ['the Kelvin sign, which folds to k', call(`${SAFE},"tas\u212a":{}`), lookAlike],
  [
    'a dotted capital I',
    `{"jsonrpc":"2.0","\u0130d":"b","id":"a","method":"tools/call","params":{${DANGER}}}`,
    refused(-32600, 'look_alike_key', 'null'),
  ],
  [
    'ID beside id',
    `{"jsonrpc":"2.0","id":"a","ID":"b","method":"tools/call","params":{${DANGER}}}`,
    refused(-32600, 'look_alike_key', 'null'),
  ],
  ['ID alone', `{"jsonrpc":"2.0","ID":"a","method":"tools/call","params":{${DANGER}}}`, refused(-32600, 'look_alike_key', 'null')],
  ['Result in a request', call(DANGER, ID, ',"Result":{}'), refused(-32600, 'look_alike_key', 'null')],
  ['JSONRPC', `{"JSONRPC":"2.0","id":"a","method":"tools/call","params":{${DANGER}}}`, lookAlike],
  ['inputresponses', call(`${SAFE},"inputresponses":{}`), lookAlike],
  ['requeststate', call(`${SAFE},"requeststate":"s"`), lookAlike],
  ['Uri in a read of a resource', '{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"x:a","Uri":"x:b"}}', lookAlike],
  ['_META', call(`${SAFE},"_META":{}`), lookAlike],
]);

const STRANGE = attacks('14 ordinary strings', [
  ['a tool named __proto__', call('"name":"__proto__","arguments":{}'), denied],
  ['a tool named constructor', call('"name":"constructor","arguments":{}'), denied],
  ['a tool named toString', call('"name":"toString","arguments":{}'), denied],
  ['a tool named hasOwnProperty', call('"name":"hasOwnProperty","arguments":{}'), denied],
  ['the amount in __proto__', call('"name":"safe","arguments":{"__proto__":{"amount":1}}'), denied],
  ['the amount in an escaped __proto__', call('"name":"safe","arguments":{"__pr\\u006fto__":{"amount":1}}'), denied],
  ['the name in __proto__', call('"__proto__":{"name":"danger"},"arguments":{}'), refused(-32602, 'bad_call')],
  ['an argument named constructor', call('"name":"safe","arguments":{"constructor":1,"amount":1}'), passed],
  ['an id named __proto__', call(DANGER, '"__proto__"'), { kind: 'denied', id: '"__proto__"' }],
  ['an id named constructor', call(SAFE, '"constructor"'), { kind: 'passed', id: '"constructor"' }],
  ['an id named toString', call(DANGER, '"toString"'), { kind: 'denied', id: '"toString"' }],
]);

export const KEYS: readonly Attack[] = [...DUPLICATES, ...LOOK_ALIKES, ...STRANGE];
