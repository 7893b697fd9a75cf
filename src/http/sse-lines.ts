/** The lines of an event stream: where they end, and which field each is. */

const LF = 10;
const CR = 13;
const COLON = 58;
const SPACE = 32;

/** Where a line ends and the next begins. `lf` and `cr` are the next of each, so that neither is looked for twice. */
export interface LineEnd {
  readonly at: number;
  readonly next: number;
  /** It is a CR, and no LF follows in these bytes. */
  readonly alone: boolean;
  readonly lf: number;
  readonly cr: number;
}

/** The first end of a line at or after `from`; `before` is what was found last in the same bytes. */
export function findLineEnd(bytes: Uint8Array, from: number, before?: LineEnd): LineEnd | undefined {
  const lf = next(bytes, LF, from, before?.lf);
  const cr = next(bytes, CR, from, before?.cr);
  const at = Math.min(lf, cr);
  if (at === Number.POSITIVE_INFINITY) return undefined;
  const isPair = at === cr && bytes[at + 1] === LF;
  return { at, next: at + (isPair ? 2 : 1), alone: at === cr && !isPair, lf, cr };
}

function next(bytes: Uint8Array, byte: number, from: number, known: number | undefined): number {
  if (known !== undefined && known >= from) return known;
  const found = bytes.indexOf(byte, from);
  return found < 0 ? Number.POSITIVE_INFINITY : found;
}

/** The byte order mark, which may stand before a stream. */
export const BOM: readonly number[] = [0xef, 0xbb, 0xbf];

/** True where the line at `from` begins with a byte order mark: a field of no name, but to a reader that decodes piece by piece. */
export function isMarked(bytes: Uint8Array, from: number): boolean {
  return BOM.every((byte, index) => bytes[from + index] === byte);
}

const NAMES = ['data', 'event', 'id', 'retry'] as const;

/** A line that means something, and where its value stands. */
export interface FieldLine {
  readonly name: (typeof NAMES)[number];
  readonly from: number;
  readonly to: number;
}

/** The field in the line between `from` and `to`; undefined for comments and fields of other names. */
export function fieldOf(bytes: Uint8Array, from: number, to: number): FieldLine | undefined {
  const name = NAMES.find((candidate) => isNamed(bytes, from, to, candidate));
  if (!name) return undefined;
  const colon = from + name.length;
  return { name, from: Math.min(bytes[colon + 1] === SPACE ? colon + 2 : colon + 1, to), to };
}

function isNamed(bytes: Uint8Array, from: number, to: number, name: string): boolean {
  const end = from + name.length;
  if (end > to || (end < to && bytes[end] !== COLON)) return false;
  for (let index = 0; index < name.length; index++) if (bytes[from + index] !== name.charCodeAt(index)) return false;
  return true;
}
