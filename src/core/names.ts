/** Tool names, globs and look-alikes (policy.md §2). Names are compared by code point; `*` matches any run of characters. */
export type NamePattern =
  | { readonly kind: 'exact'; readonly text: string; readonly folded: string }
  | { readonly kind: 'glob'; readonly text: string; readonly parts: readonly string[]; readonly foldedParts: readonly string[] };

/** Compiles a name or glob. `'*'` alone is the glob that matches all. */
export function compileName(text: string): NamePattern {
  if (!text.includes('*')) return { kind: 'exact', text, folded: foldName(text) };
  const parts = text.split('*');
  return { kind: 'glob', text, parts, foldedParts: parts.map(foldPart) };
}

/** True where the pattern matches exactly this name. */
export function matchesName(pattern: NamePattern, name: string): boolean {
  return pattern.kind === 'exact' ? pattern.text === name : matchesParts(pattern.parts, name);
}

/** True where the pattern matches the name once both are folded; `folded` comes from `foldName`. */
export function matchesFolded(pattern: NamePattern, folded: string): boolean {
  return pattern.kind === 'exact' ? pattern.folded === folded : matchesParts(pattern.foldedParts, folded);
}

/**
 * Folds a name to what it looks like: NFKC, without format and other invisible characters, trimmed, without case.
 * SECURITY: a server that normalises names would run `Delete_Customer ` as `delete_customer`.
 */
export function foldName(name: string): string {
  return foldPart(name).trim();
}

const INVISIBLE = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** The text without characters that show nothing. */
export function withoutUnseen(text: string): string {
  return text.replace(INVISIBLE, '');
}

const PLAIN = /^[a-z0-9_.*/:-]*$/;

function foldPart(text: string): string {
  if (PLAIN.test(text)) return text;
  const shown = normalize(normalize(text).replace(INVISIBLE, ''));
  // Upper before lower: `ß` and `SS`, `ς` and `σ` meet only so.
  return normalize(shown.toLowerCase().toUpperCase().toLowerCase());
}

/** Combining marks, and the two letters that become some. No writing puts as many on one letter. */
const LONG_RUN = /([\p{M}\uff9e\uff9f]{32})[\p{M}\uff9e\uff9f]+/gu;

/**
 * The text in NFKC. SECURITY: platforms put a run of marks in order in quadratic time, minutes for 100 KB of them (I11):
 * of a run that is no writing only the beginning counts.
 */
export function normalize(text: string): string {
  return text.replace(LONG_RUN, '$1').normalize('NFKC');
}

/** Linear in the name for each part: every part is found at its earliest place, the last at the end. */
function matchesParts(parts: readonly string[], name: string): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  const end = name.length - last.length;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, from);
    if (found < 0 || found + part.length > end) return false;
    from = found + part.length;
  }
  return true;
}
