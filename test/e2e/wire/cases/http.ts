/** What differs over HTTP: a body is not a line, white space of all four kinds is fine, ids live in their exchange (wire.md §2.6, §2.7). */
import { type Attack, denied, type Expected, passed, refused } from '../attack.ts';

const syntax = refused(-32700, 'syntax', 'null');

const OVER_HTTP: ReadonlyMap<string, Expected> = new Map(
  Object.entries<Expected>({
    'CR between two messages': syntax,
    'CR within a message': denied,
    'two CRs before the LF': denied,
    'a tab between tokens': denied,
    'two messages in two lines, CRLF': syntax,
    'a blank line': { kind: 'either' },
    'a line of white space': { kind: 'either' },
    'a message over --max-message': { kind: 'either' },
    'white space over --max-message': { kind: 'either' },
    'U+2028 within a text is a letter like any other': passed,
  }),
);

/** The attack as it stands over HTTP. */
export function overHttp(attack: Attack): Attack {
  const expected = OVER_HTTP.get(attack.name) ?? attack.expected;
  return { ...attack, expected: expected.kind === 'batch' ? withoutReasons(expected) : expected };
}

/** A duplicate id within a batch is replaced upstream instead of refused. */
function withoutReasons(expected: Expected & { readonly kind: 'batch' }): Expected {
  return { ...expected, reasons: [] };
}
