/** JSON as careless readers read it: whatever some real server could take for a message comes out of here. */
import type { Framing, Reader } from './config.ts';

/** The protocol's keys by their folded form: a reader that folds finds these under any spelling. */
const FOLDED: ReadonlyMap<string, string> = new Map(
  'jsonrpc id method params result error name arguments uri task _meta cursor inputResponses requestState taskId progressToken'
    .split(' ')
    .map((key) => [fold(key), key]),
);

function fold(key: string): string {
  return key.normalize('NFKC').toLowerCase();
}

/** Cuts what has arrived into lines; the last element is the unfinished rest. */
export function cut(text: string, framing: Framing): string[] {
  return text.split(framing === 'lf' ? '\n' : /\r\n|[\n\r\v\f\u0085\u2028\u2029]/);
}

/** All messages that this reader sees in a line: none in garbage, several where values follow one another. */
export function readMessages(line: string, reader: Reader): unknown[] {
  if (reader === 'last') {
    try {
      return [JSON.parse(line)];
    } catch {
      // fall through to the lenient reader
    }
  }
  const values: unknown[] = [];
  const scanner = openScanner(line, reader);
  try {
    while (!scanner.done()) values.push(scanner.value());
  } catch {
    // what came before the garbage was read all the same
  }
  return values;
}

interface Scanner {
  done(): boolean;
  value(): unknown;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: careless readers skip them
const SPACE = /[\s\0-\x1f\ufeff,]*/y;
const WORD = /-?(?:Infinity|NaN)|[-+]?[0-9][0-9a-zA-Z.+-]*|true|false|null/y;
const STRING = /"(?:[^"\\]|\\[\s\S])*"/y;

function openScanner(text: string, reader: Reader): Scanner {
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const done = () => {
    take(SPACE);
    return at >= text.length;
  };
  const closes = (bracket: string) => {
    if (done()) throw new SyntaxError('unfinished');
    if (text[at] !== bracket) return false;
    at += 1;
    return true;
  };
  const string = () => {
    const found = take(STRING);
    if (found === undefined) throw new SyntaxError('no string');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: careless readers take them as they are
    return JSON.parse(found.replace(/[\0-\x1f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16).padStart(2, '0')}`)) as string;
  };
  const object = () => {
    const members = new Map<string, unknown>();
    while (!closes('}')) {
      const written = string();
      const key = reader === 'fold' ? (FOLDED.get(fold(written)) ?? written) : written;
      if (done() || text[at++] !== ':') throw new SyntaxError('no colon');
      const member = value();
      if (reader !== 'first' || !members.has(key)) members.set(key, member);
    }
    return Object.fromEntries(members);
  };
  const array = () => {
    const elements: unknown[] = [];
    while (!closes(']')) elements.push(value());
    return elements;
  };
  const value = (): unknown => {
    if (done()) throw new SyntaxError('unfinished');
    if (text[at] === '"') return string();
    if (text[at] === '{') return ++at && object();
    if (text[at] === '[') return ++at && array();
    const word = take(WORD);
    if (word === undefined) throw new SyntaxError('no value');
    return word === 'true' ? true : word === 'false' ? false : word === 'null' ? null : Number(word);
  };
  return { done, value };
}
