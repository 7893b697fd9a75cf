/**
 * Text from strangers, cut so that who decides sees all of it (policy.md §12): what shows nothing, what turns the
 * reading direction, and what looks like something else stands apart from plain text.
 */
import { normalize } from './names.ts';

/** A piece of a text. In order, the `text` of all pieces is the text. */
export type Piece =
  | { readonly kind: 'plain'; readonly text: string }
  /** Visible characters beyond ASCII. */
  | { readonly kind: 'foreign'; readonly text: string }
  /** Characters that show nothing, or move what stands around them; `label` says which. `breaks`: a line ends here. */
  | { readonly kind: 'unseen'; readonly text: string; readonly label: string; readonly breaks: boolean }
  /** A character that looks like the ASCII text `like`. */
  | { readonly kind: 'look_alike'; readonly text: string; readonly label: string; readonly like: string };

const PLAIN = /^(?! )(?:[!-~]| (?=[!-~]))*$/;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u2800]/u;
const MARK = /\p{M}/u;
const ASCII = /[!-~]/;
const BREAKS = /[\n\v\f\r\u0085\u2028\u2029]/;
/** Of marks on one letter, those beyond this many are stacked to cover what stands above. */
const MOST_MARKS = 2;

const NAMES: Readonly<Record<string, string>> = {
  '\0': 'null',
  '\u0007': 'bell',
  '\b': 'backspace',
  '\t': 'tab',
  '\n': 'line feed',
  '\r': 'carriage return',
  '\u001b': 'escape',
  '\u007f': 'delete',
  '\u0085': 'next line',
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u061c': 'Arabic letter mark',
  '\u200b': 'zero width space',
  '\u200c': 'zero width non-joiner',
  '\u200d': 'zero width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u2028': 'line separator',
  '\u2029': 'paragraph separator',
  '\u202a': 'left-to-right embedding',
  '\u202b': 'right-to-left embedding',
  '\u202c': 'end of direction',
  '\u202d': 'left-to-right override',
  '\u202e': 'right-to-left override',
  '\u2060': 'word joiner',
  '\u2066': 'left-to-right isolate',
  '\u2067': 'right-to-left isolate',
  '\u2068': 'first strong isolate',
  '\u2069': 'end of isolate',
  '\ufeff': 'byte order mark',
};

/** Cuts a text into pieces. */
export function revealText(text: string): readonly Piece[] {
  if (PLAIN.test(text)) return text === '' ? [] : [{ kind: 'plain', text }];
  const characters = splitCharacters(text);
  const pieces: Piece[] = [];
  let marks = 0;
  characters.forEach((character, index) => {
    marks = MARK.test(character) ? marks + 1 : 0;
    append(pieces, pieceOf(character, characters[index - 1], characters[index + 1], marks));
  });
  return pieces;
}

/** One look for texts that are distinguished by unseen or look-alike characters only. */
export function lookOf(text: string): string {
  return revealText(normalize(text))
    .map((piece) => (piece.kind === 'unseen' ? '' : piece.kind === 'look_alike' ? piece.like : piece.text))
    .join('')
    .toLowerCase();
}

/** Code points, but runs of blanks, and of ASCII words with single blanks between them, together. */
function splitCharacters(text: string): readonly string[] {
  return text.match(/ +|[!-~]+(?: [!-~]+)*|./gsu) ?? [];
}

function pieceOf(character: string, before: string | undefined, after: string | undefined, marks: number): Piece {
  if (character.startsWith(' ')) return blankPiece(character, before, after);
  if (ASCII.test(character)) return { kind: 'plain', text: character };
  if (UNSEEN.test(character) || (marks > 0 && (marks > MOST_MARKS || before === undefined || ASCII.test(before))))
    return { kind: 'unseen', text: character, label: labelOf(character), breaks: BREAKS.test(character) };
  const like = latinLookOf(character);
  return like === undefined
    ? { kind: 'foreign', text: character }
    : { kind: 'look_alike', text: character, label: `${codeOf(character)} looks like ${like}`, like };
}

/** A single blank between two visible characters is what it looks like. */
function blankPiece(blanks: string, before: string | undefined, after: string | undefined): Piece {
  if (blanks.length === 1 && isVisible(before) && isVisible(after)) return { kind: 'plain', text: blanks };
  return { kind: 'unseen', text: blanks, label: blanks.length === 1 ? 'space' : `${blanks.length} spaces`, breaks: false };
}

function isVisible(character: string | undefined): boolean {
  return character !== undefined && !UNSEEN.test(character);
}

function labelOf(character: string): string {
  const name = NAMES[character];
  return name === undefined ? codeOf(character) : `${codeOf(character)} ${name}`;
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Runs of plain and of foreign characters are one piece each. */
function append(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (last && last.kind === piece.kind && (piece.kind === 'plain' || piece.kind === 'foreign'))
    pieces[pieces.length - 1] = { kind: piece.kind, text: last.text + piece.text };
  else pieces.push(piece);
}

/** Pairs of a character and what it looks like: Cyrillic, Greek, Armenian, Cherokee letters, and marks. */
const PAIRS =
  'аaеeоoрpсcуyхxіiјjѕsԁdԛqԝwһhӏlьbгrпnтtкkмmвbнhАAВBЕEКKМMНHОOРPСCТTХXУYІIЈJЅSԌGЗ3б6' +
  'αaοoνvρpιiκkτtυuγyηnωwΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹCϲc' +
  'օoսuզqցgհhոnյjԼLՕOՍUԱU' +
  'ᎪAᏴBᏟCᎠDᎬEᏀGᎻHᎥiᎫJᏦKᏞLᎷMᏢPᏒRᏚSᎢTᏙVᎳWᏃZ' +
  'ıiɑaɡgʟLɩiƽ5ʋuᴏoᴄcᴠvᴡwᴢz' +
  '٠.۰.०oഠo੦o' +
  "⁄/∕/⧸/‐-‑-‒-–-—-−-․.‚,‛'‘'’'‹<›>ⅼlⅰi∣|ǀ|׀|։:꞉:∶:⁎*∗*‽?";

const LOOKS: ReadonlyMap<string, string> = new Map(pairsOf(PAIRS));
const ALL_ASCII = /^[ -~]+$/;

/** The ASCII text that this one character looks like, if any: by its compatibility form, or by its shape. */
export function latinLookOf(character: string): string | undefined {
  const known = LOOKS.get(character);
  if (known !== undefined) return known;
  const plain = character.normalize('NFKC');
  return plain !== character && ALL_ASCII.test(plain) ? plain : undefined;
}

function pairsOf(text: string): readonly (readonly [string, string])[] {
  const characters = [...text];
  return characters.flatMap((character, index) => (index % 2 === 0 ? [[character, characters[index + 1] ?? ''] as const] : []));
}
