/** Puts what the YAML parser refuses in words that say what to write: most of it is indentation, and texts that want quotes. */

/** A refusal of the parser's. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** A refusal in our words. */
export interface Explained {
  readonly offset: number;
  readonly message: string;
  readonly help?: string | undefined;
}

/** One line of the text. `column` is where its first key or value begins, after every "- ". */
interface Line {
  readonly start: number;
  readonly indent: number;
  readonly column: number;
  readonly text: string;
}

interface Place {
  readonly offset: number;
  readonly at: Line;
  /** The line before it that holds something. */
  readonly before: Line | undefined;
  readonly after: Line | undefined;
}

type Row = readonly [RegExp, (place: Place) => Omit<Explained, 'offset'> & { readonly offset?: number }];

const TOGETHER = 'lines that belong together begin in one column, and what belongs to a line is indented deeper, by spaces';

/** By what the parser says. */
const ROWS: readonly Row[] = [
  [/^Tabs are not allowed/, () => ({ message: 'a tab indents the line', help: 'indent with spaces' })],
  [/^Nested mappings are not allowed/, nested],
  [/^(?:Sequence item without|All mapping items|All sequence items|A block sequence may not|Bad indentation)/, misplaced],
  [/^Implicit (?:keys|map keys) need/, notAKey],
  [/^Alias (?:ending in :|cannot be)/, unquotedStar],
  [
    /^Plain value cannot start with/,
    ({ at, offset }) => ({
      message: `a text cannot begin with ${JSON.stringify(at.text.charAt(offset - at.start))} unless it is quoted`,
      help: 'put the text into quotes',
    }),
  ],
  [
    /^Missing closing "/,
    () => ({ message: 'a text begins with a double quote and does not end with one', help: 'close it with a double quote' }),
  ],
  [
    /^Missing closing '/,
    () => ({ message: 'a text begins with a single quote and does not end with one', help: 'close it with a single quote' }),
  ],
  [/^Unexpected (?:scalar|flow-\w+-start|\w+) at node end/, afterEnd],
  [/^Flow sequence in/, () => ({ message: 'a "[" is not closed', help: 'close it with "]"' })],
  [/^Flow map in/, () => ({ message: 'a "{" is not closed', help: 'close it with "}"' })],
];

/** Explains what the parser says of the text. */
export function explainSyntax({ message, pos: [offset] }: Problem, text: string): Explained {
  const place = placeIn(text, offset);
  const found = ROWS.find(([pattern]) => pattern.test(message))?.[1](place);
  return found ? { offset, ...found } : { offset, message: message.charAt(0).toLowerCase() + message.slice(1) };
}

function unquotedStar({ at, offset }: Place): ReturnType<Row[1]> {
  const [name = '*'] = /^\*[^\s:,\]}]*/.exec(at.text.slice(at.text.indexOf('*', Math.max(0, offset - at.start - 64)))) ?? [];
  return { message: 'a name that begins with "*" is not quoted', help: `write it in quotes: "${name}"` };
}

/** `name: a: b`, or a line that is indented below one that has its value already. */
function nested({ at, offset, after }: Place): ReturnType<Row[1]> {
  const rest = at.text.slice(offset - at.start);
  if (/:(?:\s|$)/.test(rest))
    return { message: 'a text that has ": " in it is not quoted', help: `put it into quotes: ${JSON.stringify(rest.trim())}` };
  if (!after) return { message: 'a key stands below one that has its value already', help: TOGETHER };
  return {
    offset: after.start + after.indent,
    message: 'the line is indented below one that has its value already',
    help: `begin it in column ${at.column + 1}, as the line before it`,
  };
}

function misplaced({ at, before }: Place): ReturnType<Row[1]> {
  const offset = at.start + at.indent;
  if (!before) return { offset, message: 'the indentation of the line fits no other', help: TOGETHER };
  if (at.text.trimStart().startsWith('- ') && before.column === before.indent)
    return {
      offset,
      message: 'a list begins among the keys of a map',
      help: 'begin the keys before it with "- " as well, or give the list a key of its own',
    };
  return {
    offset,
    message: 'the indentation of the line fits no line above it',
    help: `to belong to the line before it, begin it in column ${before.column + 1}`,
  };
}

/** A line that has no key where one belongs. */
function notAKey({ at }: Place): ReturnType<Row[1]> {
  const offset = at.start + at.indent;
  const text = at.text.trim();
  if (text.startsWith('//') || text.startsWith('/*')) return { offset, message: 'a comment begins with "#"', help: 'write "#"' };
  const [, key, value] = /^-?\s*("?[\w*-]+"?):(\S.*)$/.exec(text) ?? [];
  if (key !== undefined) return { offset, message: 'a space lacks after ":"', help: `write ${key}: ${value}` };
  return { offset, message: 'the line has no ":" after its key', help: /^[\w*-]+$/.test(text) ? `write ${text}:` : TOGETHER };
}

function afterEnd({ at, offset }: Place): ReturnType<Row[1]> {
  const before = at.text.slice(0, offset - at.start);
  if (/'[^']*'$/.test(before))
    return {
      message: 'a text goes on after its closing quote',
      help: 'write a single quote inside of single quotes twice, or use double quotes',
    };
  if (/"$/.test(before))
    return { message: 'a text goes on after its closing quote', help: 'write a double quote inside of double quotes as \\"' };
  return { message: 'something stands after a value that has ended', help: 'put the whole value into quotes, or begin a line of its own' };
}

function placeIn(text: string, offset: number): Place {
  const lines: Line[] = [];
  let start = 0;
  for (const line of text.split('\n')) {
    lines.push(lineOf(line, start));
    start += line.length + 1;
  }
  const index = Math.max(
    0,
    lines.findLastIndex((line) => line.start <= offset),
  );
  const holds = ({ text: line }: Line) => line.trim() !== '' && !line.trimStart().startsWith('#');
  const at = lines[index] ?? lineOf('', 0);
  return { offset, at, before: lines.slice(0, index).findLast(holds), after: lines.slice(index + 1).find(holds) };
}

function lineOf(text: string, start: number): Line {
  const [lead = ''] = /^ *(?:- +)*/.exec(text) ?? [];
  const [spaces = ''] = /^\s*/.exec(text) ?? [];
  return { start, indent: spaces.length, column: Math.max(lead.length, spaces.length), text: text.replace(/\r$/, '') };
}
