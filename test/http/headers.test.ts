/** wire.md §2.10: headers as they stood on the wire; policy.md §8, §12: who an `Authorization` names. */
import { expect, test } from 'bun:test';
import { namesSeveral, valuesOf, withoutPayments } from '../../src/http/headers.ts';

test('repeated headers are still two, in any case of letters', () => {
  expect(valuesOf(['Mcp-Name', 'a', 'x', 'y', 'MCP-NAME', 'b'], 'mcp-name')).toEqual(['a', 'b']);
});

test('SECURITY: spaces and tabs around a value are not part of it; anything else is, to whoever reads it next', () => {
  expect(valuesOf(['N', ' \tx\t ', 'n', 'x\u00a0', 'n', '\u00a0x', 'n', ' ', 'n', ''], 'n')).toEqual(['x', 'x\u00a0', '\u00a0x', '', '']);
});

test.each([
  ['Bearer a', 'Bearer a'],
  ['Bearer a, Payment b', 'Bearer a'],
  ['Payment b , Bearer a', 'Bearer a'],
  ['Payment id="1", request="2", Bearer a', 'Bearer a'],
  ['Digest a="1", b="2", Payment id="3", c="4"', 'Digest a="1", b="2"'],
  ['Payment b', ''],
  ['', ''],
])('%p names by %p', (value, naming) => expect(withoutPayments(value)).toBe(naming));

test.each([
  ['Bearer a', false],
  ['Bearer a, Payment b', false],
  ['Payment a, Payment b, Bearer c', false],
  ['Digest username="a", realm="b", nonce="c"', false],
  ['AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;range, Signature=c', false],
  ['Bearer a, Bearer b', true],
  ['Basic a, Bearer b', true],
  ['Bearer a, Payment c, Bearer b', true],
  ['Bearer a, Payment id="1", Bearer b', true],
  ['Bearer a, b', true],
  ['Bearer a, x=1', true],
  ['Bearer a,', false],
])('SECURITY: %p names several: %p', (value, several) => expect(namesSeveral(value)).toBe(several));
