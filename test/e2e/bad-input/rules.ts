/** The rules for every line that the program says (cli.md §1): a small letter first, no code of the system, no stack. */

/** Names the rules that a line breaks. */
export function faultsOf(line: string): readonly string[] {
  const rules: readonly (readonly [string, boolean])[] = [
    ['a capital first', /^[A-Z][a-z]/.test(line)],
    [
      'a code of the system',
      /\bE[A-Z]{4,}\b/.test(line.replaceAll(/\$\{[^}]*\}/g, '').replaceAll(/\[INTERCEPT\] ERROR|INTERCEPT_\w+/g, '')),
    ],
    ['a stack', /^\s+at /.test(line)],
    ['"invalid argument"', /invalid argument|is invalid\./i.test(line)],
    ['a full stop at the end', /[^.]\.$/.test(line)],
    ['an object or undefined in it', /\[object |\bundefined\b|\bNaN\b/.test(line)],
  ];
  return rules.filter(([, isBroken]) => isBroken).map(([rule]) => rule);
}

/** An error as the source makes it: its class, and the source of its message and of what follows. */
export interface MadeError {
  readonly file: string;
  readonly kind: string;
  readonly message: string;
  readonly rest: string;
}

/** Finds where a source makes errors of these classes. */
export function errorsMade(file: string, source: string, kinds: readonly string[]): readonly MadeError[] {
  const made = source.matchAll(new RegExp(`new (${kinds.join('|')})\\(`, 'g'));
  return [...made].map((match) => {
    const [message = '', ...rest] = argumentsAt(source, match.index + match[0].length);
    return { file, kind: match[1] ?? '', message, rest: rest.join(', ') };
  });
}

/** Cuts the arguments of a call at its commas; strings and templates are skipped whole. */
function argumentsAt(source: string, start: number): readonly string[] {
  const parts: string[] = [];
  let from = start;
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const char = source[at] ?? '';
    if (`'"\``.includes(char)) at = endOfText(source, at);
    else if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth < 0) return [...parts, source.slice(from, at)].map((part) => part.trim()).filter(Boolean);
    else if (char === ',' && depth === 0) {
      parts.push(source.slice(from, at));
      from = at + 1;
    }
  }
  return parts;
}

function endOfText(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === source[start]) return at;
  }
  return source.length;
}
