/** What a client says that it can read. */
import { valuesOf } from '../../http/headers.ts';

/** A quality of nothing says that the type is not taken (RFC 9110 §12.4.2). */
const NOT_AT_ALL = /;\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)/;

/** Whether it takes an answer of this type; a client that says nothing takes any. */
export function accepts(rawHeaders: readonly string[], type: string): boolean {
  const [group] = type.split('/', 1);
  const ranges = rangesIn(rawHeaders);
  return ranges.length === 0 || ranges.some((range) => range === type || range === '*/*' || range === `${group}/*`);
}

/** Whether it names this very type as one that it takes. */
export function asksFor(rawHeaders: readonly string[], type: string): boolean {
  return rangesIn(rawHeaders).includes(type);
}

function rangesIn(rawHeaders: readonly string[]): readonly string[] {
  const values = valuesOf(rawHeaders, 'accept').flatMap((value) => value.toLowerCase().split(','));
  return values.map((range) => (NOT_AT_ALL.test(range) ? '' : (range.split(';', 1)[0] ?? '').trim()));
}
