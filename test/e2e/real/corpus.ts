/** Odd but legitimate messages, which careless relays damage. */

/** What the server writes for one call; `$ID` is the call's id. */
export const ANSWERS = [
  '{"id":$ID,"result":{"content":[{"text":"x","type":"text"}],"big":9007199254740993,"one":1.0,"e":1E+400,"z":-0},"jsonrpc":"2.0"}',
  ' { "jsonrpc" : "2.0" ,\t"id" : $ID , "result" : { "content" : [ ] , "__proto__" : { "a" : 1 } , "com.example/x" : null } } ',
  '{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":"\\ud800 \\u00e9 \\/ é 🎉 \u2028 \\u0000"}],"_meta":{"com.example/a":[]}}}',
  `{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"deep":${'['.repeat(200)}${']'.repeat(200)}}}`,
  '{"jsonrpc":"2.0","id":$ID,"error":{"code":-32001,"message":"no \\u2028","data":{"n":0.1000,"retry":[1e2]},"more":1}}',
  '{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"isError":true,"unknown":{"resultType":"odd"}}}',
];
/** What it writes before it answers. */
export const BEFORE = [
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1.0,"progress":1e0,"message":"\\u00e9"}}',
  '{"jsonrpc":"2.0","method":"com.example/news","params":{"b":1,"a":[2,{"c":9007199254740993}]}}',
  '{"method":"notifications/message","jsonrpc":"2.0","params":{"level":"info","data":"x","logger":null}}',
];

/** What the client writes, apart from the calls. */
export const MESSAGES = [
  '{"jsonrpc":"2.0","method":"com.example/note","params":{"z":1.0,"a":9007199254740993}}',
  ' {"params":{"_meta":{"progressToken":"é","com.example/t":[1E2]},"arguments":{"é":"\\u00e9","n":123456789012345678901234567890,"__proto__":1},"name":"t", "task":null},"method":"tools/call","jsonrpc":"2.0","id":"\\u00e9"} ',
  '{"jsonrpc":"2.0","id":9007199254740991,"method":"com.example/ask","params":{"p":[1,2.0]},"more":{}}',
  '{"jsonrpc":"2.0","id":-7,"method":"ping"}',
  '{"jsonrpc":"2.0","id":"x","method":"resources/read","params":{"uri":"demo://é\\u002fb"}}',
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"gone","reason":"no\\nneed"}}',
];
