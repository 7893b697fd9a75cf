/** Odd but legitimate bodies and streams over HTTP. `$ID` stands for the request's id. */
import { ANSWERS, BEFORE } from './corpus.ts';

const LARGE = `{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"${'é1🎉x'.repeat(1_000_000)}"}],"n":1.0}}`;

/** An answer's body, in one piece. */
export const BODIES: readonly string[] = [
  ...ANSWERS,
  '{\r\n\t"jsonrpc": "2.0",\n\t"id": $ID,\r\n\t"result": {\n\t\t"content": [ ]\n\t}\n}\r\n',
  LARGE,
];

/** An answer's stream, its events as they are written. */
export const STREAMS: readonly (readonly string[])[] = [
  ['id: 0\ndata: \n\n', 'retry: 25\n\n', ': a comment\n\n', `data: ${ANSWERS[0]}\n\n`],
  [
    'id: p\nretry: 1000\ndata:\n\n',
    ...BEFORE.map((line, i) => `event: message\nid: b${i}\ndata: ${line}\n\n`),
    `id: last\nevent: message\ndata:${ANSWERS[2]}\n\n`,
  ],
  [':\n\n', 'event: ping\n\n', 'id\nfoo: bar\nretry: soon\n\n', `data: ${ANSWERS[3]}\nid: é🎉\nunknown\n\n`, ': after the answer\n\n'],
  ['data: {"jsonrpc":"2.0",\ndata: "id":$ID,\ndata: "result":{"content":[],"x":1.0}}\n\n'],
  [`data: ${LARGE}\n\n`],
];

/** What a client posts, apart from calls; none of it is answered but by 202 or by `$ID`. */
export const POSTED: readonly string[] = [
  '{\n  "jsonrpc" : "2.0" ,\r\n\t"id" : "\\u00e9" ,\n  "method" : "tools/call", "params" : {"name":"t", "arguments":{"n":123456789012345678901234567890,"__proto__":1,"é":"\\u00e9"},"_meta":{"progressToken":"é","com.example/t":[1E2]}}\n}\n',
  '{"params":{"name":"t","task":null,"arguments":{"big":9007199254740993,"f":1.0}},"id":4294967296,"jsonrpc":"2.0","method":"tools/call","more":{}}',
  `{"jsonrpc":"2.0","id":"large","method":"tools/call","params":{"name":"t","arguments":{"text":"${'y'.repeat(5_000_000)}"}}}`,
];
