/** wire.md §2.10: headers as they stood on the wire. */
import { expect, test } from 'bun:test';
import { valuesOf } from '../../src/http/raw-headers.ts';

test('repeated headers are still two, in any case of letters', () => {
  expect(valuesOf(['Mcp-Name', 'a', 'x', 'y', 'MCP-NAME', 'b'], 'mcp-name')).toEqual(['a', 'b']);
});

test('SECURITY: spaces and tabs around a value are not part of it; anything else is, to whoever reads it next', () => {
  expect(valuesOf(['N', ' \tx\t ', 'n', 'x\u00a0', 'n', '\u00a0x', 'n', ' ', 'n', ''], 'n')).toEqual(['x', 'x\u00a0', '\u00a0x', '', '']);
});
