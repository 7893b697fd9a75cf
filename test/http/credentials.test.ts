/** Which credentials of an `Authorization` name somebody (policy.md §8, §12). */
import { expect, test } from 'bun:test';
import { namesSeveral, withoutPayments } from '../../src/http/credentials.ts';

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
