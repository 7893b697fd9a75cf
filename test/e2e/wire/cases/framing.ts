/** Framing and sizes (wire.md §2.6, §2.13). */
import { type Attack, attacks, bytesOf, call, DANGER, denied, ID, passed, refused, SAFE } from '../attack.ts';

const safe = call(SAFE);
const danger = call(DANGER);
const control = refused(-32700, 'control_character');
const controlAnywhere = refused(-32700, 'control_character', 'null');
const encoding = refused(-32700, 'encoding', 'null');
const syntax = refused(-32700, 'syntax', 'null');
const surrogate = refused(-32700, 'lone_surrogate');

const FRAMING = attacks('6 framing', [
  ['CR between two messages', `${safe}\r${danger}`, controlAnywhere],
  ['CR within a message', danger.replace(',', ',\r'), control],
  ['two CRs before the LF', `${danger}\r\r`, control],
  ['one CR before the LF is part of it', `${danger}\r`, denied],
  ['a tab between tokens', danger.replace(',', ',\t'), control],
  ['VT between two messages', `${safe}\v${danger}`, controlAnywhere],
  ['FF between two messages', `${safe}\f${danger}`, controlAnywhere],
  ['NUL behind a message', `${danger}\0`, controlAnywhere],
  ['NUL between two messages', `${safe}\0${danger}`, controlAnywhere],
  ['U+0085 between two messages', `${safe}\u0085${danger}`, syntax],
  ['U+2028 between two messages', `${safe}\u2028${danger}`, syntax],
  ['U+2029 between two messages', `${safe}\u2029${danger}`, syntax],
  ['a no-break space between tokens', danger.replace(',', ',\u00a0'), syntax],
  ['a BOM', `\ufeff${danger}`, encoding],
  ['a BOM behind', `${danger}\ufeff`, syntax],
  ['two messages in a line', `${safe}${danger}`, syntax],
  ['two messages with a space', `${safe} ${danger}`, syntax],
  ['two messages with a comma', `${safe},${danger}`, syntax],
  ['a record separator before', `\x1e${danger}`, controlAnywhere],
  [
    'invalid UTF-8 in the name',
    bytesOf('{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"dan', [0xff], 'ger"}}'),
    encoding,
  ],
  ['an overlong letter', bytesOf('{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"', [0xc1, 0xa4], 'anger"}}'), encoding],
  [
    'a surrogate in UTF-8',
    bytesOf('{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"danger', [0xed, 0xa0, 0x80], '"}}'),
    encoding,
  ],
  ['a character cut off', bytesOf(danger, [0xc3]), encoding],
  ['UTF-16', Buffer.from(danger, 'utf16le').subarray(0, 60), controlAnywhere],
  ['a lone surrogate, escaped', call('"name":"danger\\ud800"'), surrogate],
  ['a lone low surrogate, escaped', call('"name":"safe","arguments":{"amount":1,"x":"\\udc00"}'), surrogate],
  ['a lone surrogate in a key', call('"name":"safe","arguments":{"amount":1,"\\ud800":1}'), surrogate],
  ['a pair the wrong way round', call('"name":"safe","arguments":{"amount":1,"x":"\\udc00\\ud800"}'), surrogate],
  ['a pair, escaped', call('"name":"safe","arguments":{"amount":1,"x":"\\ud83d\\ude00"}'), passed],
  ['NaN', call('"name":"safe","arguments":{"amount":NaN}'), syntax],
  ['Infinity', call('"name":"safe","arguments":{"amount":-Infinity}'), syntax],
  ['a hexadecimal number', call('"name":"safe","arguments":{"amount":0x1}'), syntax],
  ['a leading zero', call('"name":"safe","arguments":{"amount":01}'), syntax],
  ['a leading plus', call('"name":"safe","arguments":{"amount":+1}'), syntax],
  ['a point without a digit', call('"name":"safe","arguments":{"amount":1.}'), syntax],
  ['trailing bytes', `${danger}x`, syntax],
  ['a trailing brace', `${danger}}`, syntax],
  ['a trailing comma', call(`${SAFE},`), syntax],
  ['a comment', `${danger.slice(0, -1)}/*x*/}`, syntax],
  ['a comment behind', `${danger}//`, syntax],
  ['single quotes', danger.replaceAll('"', "'"), syntax],
  ['keys without quotes', '{jsonrpc:"2.0",id:"a",method:"tools/call",params:{name:"danger"}}', syntax],
  ['a raw line separator escape', call('"name":"dan\\xger"'), syntax],
  ['a control character in a text', call('"name":"dan\x01ger"'), controlAnywhere],
  ['cut off', danger.slice(0, -2), syntax],
  ['not JSON at all', 'GET / HTTP/1.1', syntax],
  ['a blank line', '', { kind: 'nothing' }],
  ['a line of white space', ' \t ', { kind: 'nothing' }],
  ['two messages in two lines, CRLF', `${call('"name":"danger"', '')}\r\n${danger}\r`, denied],
]);

const VALID_SEPARATOR: Attack = {
  point: '6 framing',
  name: 'U+2028 within a text is a letter like any other',
  bytes: call('"name":"safe","arguments":{"amount":1,"x":"a\u2028b\u2029\u0085"}'),
  expected: passed,
  lfOnly: true,
};

/** `--max-message` of the run: small, so that a message over it is quickly sent. */
export const MAX_MESSAGE = 65_536;

const nested = (levels: number) => call(`"name":"safe","arguments":{"amount":1,"x":${'['.repeat(levels)}${']'.repeat(levels)}}`);

const SIZES = attacks('13 sizes', [
  ['a message over --max-message', call(`${DANGER},"x":"${'x'.repeat(MAX_MESSAGE)}"`), refused(-32600, 'too_long')],
  ['white space over --max-message', `${danger}${' '.repeat(MAX_MESSAGE)}`, refused(-32600, 'too_long')],
  ['257 levels', nested(254), refused(-32600, 'too_deep')],
  ['256 levels', nested(253), passed],
  ['20000 levels', nested(20_000), refused(-32600, 'too_deep', 'null')],
  [
    '20000 levels of objects',
    call(`"name":"safe","arguments":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`),
    refused(-32600, 'too_deep', 'null'),
  ],
  ['20000 brackets that never close', '['.repeat(20_000), refused(-32600, 'too_deep', 'null')],
  ['a method over 1 KiB', `{"jsonrpc":"2.0","id":"a","method":"${'m'.repeat(1025)}"}`, refused(-32600, 'too_long')],
  ['a number of 60000 digits', call(`"name":"safe","arguments":{"amount":${'9'.repeat(60_000)}}`), denied],
  ['10000 keys', call(`"name":"danger","arguments":{${Array.from({ length: 4_000 }, (_, i) => `"k${i}":0`).join(',')}}`), denied],
]);

export const FRAMES: readonly Attack[] = [...FRAMING, VALID_SEPARATOR, ...SIZES];

/** Answers that nobody asked for: forwarded where they are sound, since the server knows its own ids; executed by none. */
export const RESPONSES: readonly Attack[] = attacks('7 unsolicited answers', [
  ['a result', '{"jsonrpc":"2.0","id":"x","result":{}}', { kind: 'forwarded' }],
  ['an error without an id', '{"jsonrpc":"2.0","error":{"code":1,"message":""}}', { kind: 'forwarded' }],
  ['a result with params of a call', `{"jsonrpc":"2.0","id":"x","result":{},"params":{${DANGER}}}`, { kind: 'forwarded' }],
  ['a result without an id', '{"jsonrpc":"2.0","result":{}}', refused(-32600, 'bad_id', 'null')],
  [
    'a result and an error',
    '{"jsonrpc":"2.0","id":"x","result":{},"error":{"code":1,"message":""}}',
    refused(-32600, 'not_json_rpc', 'null'),
  ],
  ['a result with a look-alike key', '{"jsonrpc":"2.0","id":"x","result":{"IsError":true}}', refused(-32600, 'look_alike_key', 'null')],
  ['a result with duplicate keys', `{"jsonrpc":"2.0","id":"x","result":{"a":1,"a":2}}`, refused(-32600, 'duplicate_key', 'null')],
  ['a call that a look-alike key makes an answer', call(DANGER, ID, ',"re\u200dsult":{}'), refused(-32600, 'look_alike_key', 'null')],
]);
