/** Text that a reader can trust to be what it looks like. */

/** Control, format and bidi characters, line and paragraph separators, lone surrogates, and what renders as nothing. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
const PLAIN = /^[\x20-\x7e]*$/;
const BARE = /^[\w.\-/:@]+$/;

/**
 * Writes unseen characters as `\uXXXX`. In JSON text without white space outside its strings but blanks, such
 * characters stand inside strings only, where the escape means the same: JSON stays the same JSON.
 */
export function escapeUnseen(text: string): string {
  // SECURITY: a name or an argument must not move the cursor, turn the reading direction or start a new line.
  return PLAIN.test(text) ? text : text.replace(UNSEEN, escapeUnits);
}

/** A name as it stands in a line of `key=value` pairs: bare where it can not be mistaken, else quoted. */
export function renderName(name: string): string {
  return BARE.test(name) ? name : escapeUnseen(JSON.stringify(name));
}

function escapeUnits(character: string): string {
  let text = '';
  for (let i = 0; i < character.length; i++) text += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return text;
}
