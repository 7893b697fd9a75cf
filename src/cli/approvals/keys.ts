/** Reads the keys that a person pressed from the bytes of a terminal in raw mode. */
import { StringDecoder } from 'node:string_decoder';

export type Key =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pasted'; readonly text: string }
  | {
      readonly kind:
        | 'up'
        | 'down'
        | 'left'
        | 'right'
        | 'page_up'
        | 'page_down'
        | 'top'
        | 'bottom'
        | 'enter'
        | 'escape'
        | 'backspace'
        | 'quit';
    };

const SEQUENCES: Readonly<Record<string, Exclude<Key['kind'], 'text' | 'pasted'>>> = {
  '[A': 'up',
  OA: 'up',
  '[B': 'down',
  OB: 'down',
  '[C': 'right',
  OC: 'right',
  '[D': 'left',
  OD: 'left',
  '[5~': 'page_up',
  '[6~': 'page_down',
  '[H': 'top',
  OH: 'top',
  '[1~': 'top',
  '[F': 'bottom',
  OF: 'bottom',
  '[4~': 'bottom',
};
const CONTROLS: Readonly<Record<string, Exclude<Key['kind'], 'text' | 'pasted'>>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'quit',
  '\u0004': 'quit',
};
/** The sequences that a terminal sends begin with this. */
const ESCAPE = String.fromCharCode(27);
const PASTE_END = `${ESCAPE}[201~`;
const PIECE = new RegExp(`^(?:${ESCAPE}(\\[200~)|${ESCAPE}(\\[[0-9;?]*[ -/]*[@-~]|O[ -~])|.)`, 'su');
const UNFINISHED = new RegExp(`^${ESCAPE}(?:\\[[0-9;?]*|O)$`);

/**
 * Reads chunks as they come; a character, a sequence or a paste may be spread over several. SECURITY: several characters
 * in one chunk were not pressed one after the other, and count as pasted also where the terminal does not say so.
 */
export function openKeys(): (chunk: Buffer) => readonly Key[] {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    const keys: Key[] = [];
    rest += decoder.write(chunk);
    while (rest !== '') {
      const [, paste, sequence] = PIECE.exec(rest) ?? [];
      if (paste !== undefined) {
        const end = rest.indexOf(PASTE_END);
        if (end < 0) break;
        keys.push({ kind: 'pasted', text: rest.slice(`${ESCAPE}${paste}`.length, end) });
        rest = rest.slice(end + PASTE_END.length);
        continue;
      }
      if (UNFINISHED.test(rest)) break;
      const taken = sequence === undefined ? String.fromCodePoint(rest.codePointAt(0) ?? 0) : `${ESCAPE}${sequence}`;
      rest = rest.slice(taken.length);
      const key = keyOf(taken, sequence);
      if (key) keys.push(key);
    }
    return keys.length > 1 ? joinTexts(keys) : keys;
  };
}

function joinTexts(keys: readonly Key[]): readonly Key[] {
  const joined: Key[] = [];
  for (const key of keys) {
    const last = joined.at(-1);
    if ('text' in key && last && 'text' in last) joined[joined.length - 1] = { kind: 'pasted', text: last.text + key.text };
    else joined.push(key);
  }
  return joined;
}

function keyOf(taken: string, sequence: string | undefined): Key | undefined {
  if (sequence !== undefined) {
    const kind = SEQUENCES[sequence];
    return kind && { kind };
  }
  if (taken === ESCAPE) return { kind: 'escape' };
  const control = CONTROLS[taken];
  if (control) return { kind: control };
  return taken < ' ' ? undefined : { kind: 'text', text: taken };
}
