/** What a client says that it can read. */
import { valuesOf } from '../../transport/http/raw-headers.ts';

/** Whether it takes an answer of this type; a client that says nothing takes any. */
export function accepts(rawHeaders: readonly string[], type: string): boolean {
  const values = valuesOf(rawHeaders, 'accept');
  const [group] = type.split('/', 1);
  const ranges = values.flatMap((value) => value.toLowerCase().split(',')).map((range) => range.split(';', 1)[0]?.trim());
  return values.length === 0 || ranges.some((range) => range === type || range === '*/*' || range === `${group}/*`);
}
