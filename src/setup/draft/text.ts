/**
 * Strangers' text in a policy: as a comment, as a key, as a value. SECURITY: none of it ends a comment early, opens another
 * key, moves a cursor or turns the reading direction.
 */

/** All but letters, marks, digits, punctuation, symbols and blanks; and what renders as nothing. */
const UNSEEN = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\p{Default_Ignorable_Code_Point}/gu;
/** Of a text so many times its longest comment is looked at: much of it may be unseen. */
const LOOK = 8;
const MOST_COMMENT = 200;

/** A text on one line that may follow `# `, without what is unseen, cut where it is long. Empty where nothing is left. */
export function commentOf(text: string, most = MOST_COMMENT): string {
  const line = text
    .slice(0, most * LOOK)
    .replace(/\s+/g, ' ')
    .replace(UNSEEN, '')
    .replace(/ {2,}/g, ' ');
  return cutAt(line.trim(), most);
}

/** A line of ours that may quote somebody: without what is unseen or would begin a new one. */
export function seen(line: string): string {
  return line.replace(/[\r\n]+/g, ' ').replace(UNSEEN, '');
}

/** Cuts between characters. */
export function cutAt(text: string, most: number): string {
  if (text.length <= most) return text;
  const characters = Array.from(text.slice(0, 2 * most));
  return characters.length <= most
    ? text
    : `${characters
        .slice(0, most - 1)
        .join('')
        .trimEnd()}…`;
}

const SENTENCE = /(?<!\b(?:e\.g|i\.e|etc|vs|incl|approx|cf|no))[.!?](?= |$)|[。！？]/u;
/** A description never looks like one of the draft's own comments: a heading begins with "-", a closed entry ends with ":". */
const BEGIN = /^[^\p{L}\p{N}$"'`(]+/u;

/** The first sentence of a description, as a comment. */
export function firstSentence(description: string): string {
  const line = commentOf(description, 2 * MOST_COMMENT).replace(BEGIN, '');
  const end = SENTENCE.exec(line);
  return cutAt(end ? line.slice(0, end.index + 1) : line, MOST_COMMENT).replace(/[: ]+$/, '');
}

const PLAIN = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
/** Words that some reader of YAML takes for something else than a text. */
const OTHER = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** A text as a key or value of YAML that every reader takes for that text, never cut. */
export function quoted(text: string): string {
  return PLAIN.test(text) && !OTHER.test(text) ? text : JSON.stringify(text).replace(UNSEEN, escaped);
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

const PLAIN_ARGUMENT = /^[A-Za-z0-9_$-]+$/;
const NOT_ASCII = /[^ -~]/g;

/** The path of an argument, as policies write it (policy.md §4); one that is written so already stays. */
export function pathOf(argument: string): string {
  if (/^args[.[]/.test(argument)) return argument;
  if (PLAIN_ARGUMENT.test(argument)) return `args.${argument}`;
  const inJson = JSON.stringify(argument).replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `args[${inJson}]`;
}
