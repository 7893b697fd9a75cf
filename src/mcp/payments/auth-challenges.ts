/**
 * The challenges of a `WWW-Authenticate` header, several fields of which are one list (SPEC: RFC 9110 §11.6.1). Read by the
 * letter: where a challenge begins and ends decides which one a wallet pays.
 */
import type { Span } from '../json/scan-types.ts';

/** One challenge; the span is that of its scheme and parameters, without the commas around it. */
export interface AuthChallenge extends Span {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case; as they stand, quotes and all. A scheme may come with a token instead, which is not kept. */
  readonly params: readonly { readonly name: string; readonly raw: string }[];
}

/** Space and tab, and no other white space: readers differ on the rest. */
const COMMAS = /[ \t]*(?:,[ \t]*)*/y;
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const END = '(?=[ \\t]*(?:,|$))';
const PARAM = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*("(?:[^"\\\\]|\\\\.)*"|[^\\s",]+)${END}`, 'y');
const SCHEME = new RegExp(`(${TOKEN})(?:${END}|[ \\t]+(?=[^ \\t,]))`, 'y');
const LONE_TOKEN = new RegExp(`[0-9A-Za-z._~+/-]+=*${END}`, 'y');

/** All challenges, in their order; undefined where the header does not hold to the grammar. */
export function readAuthChallenges(value: string): readonly AuthChallenge[] | undefined {
  const found: { scheme: string; start: number; end: number; params: { name: string; raw: string }[] }[] = [];
  let at = matchAt(COMMAS, value, 0)?.[0].length ?? 0;
  while (at < value.length) {
    const open = found.at(-1);
    const param = matchAt(PARAM, value, at);
    const isParam = param && open && open.params.length > 0;
    const element = isParam ? { params: [paramOf(param)], end: at + param[0].length } : schemeAt(value, at);
    if (!element) return undefined;
    if ('scheme' in element) found.push({ ...element, start: at });
    else if (open) {
      open.params.push(...element.params);
      open.end = element.end;
    }
    const commas = matchAt(COMMAS, value, element.end)?.[0] ?? '';
    at = element.end + commas.length;
    if (at < value.length && !commas.includes(',')) return undefined;
  }
  return found;
}

/** A scheme, alone or with what belongs to its own element: the first parameter, or a token. */
function schemeAt(value: string, at: number) {
  const found = matchAt(SCHEME, value, at);
  if (!found) return undefined;
  const scheme = (found[1] ?? '').toLowerCase();
  const start = at + found[0].length;
  if (found[0].length === found[1]?.length) return { scheme, params: [], end: start };
  const param = matchAt(PARAM, value, start);
  if (param) return { scheme, params: [paramOf(param)], end: start + param[0].length };
  const token = matchAt(LONE_TOKEN, value, start);
  return token ? { scheme, params: [], end: start + token[0].length } : undefined;
}

function paramOf(found: RegExpExecArray) {
  return { name: (found[1] ?? '').toLowerCase(), raw: found[2] ?? '' };
}

function matchAt(pattern: RegExp, value: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(value) ?? undefined;
}
