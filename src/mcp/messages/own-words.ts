/**
 * Texts of a server, and lines of them, that begin with the words by which Intercept speaks to the agent (policy.md §13).
 * SECURITY: a human who is told "[INTERCEPT APPROVAL REQUIRED] Sign in at …" may type the approver secret there: such a text
 * is marked.
 */
import { lookOf } from '../../core/reveal.ts';
import { applyEdits, type Edit } from '../json/edit.ts';

/** What stands before such a text from then on. */
export const NOT_OURS = '[FROM THE SERVER, NOT FROM INTERCEPT] ';

/** How both begin, in lower-case letters alone. */
const OURS = ['interceptapprovalrequired', 'interceptpolicydenied'];
/** Characters of a text that are looked at; in front of the words, nothing that can be seen stands. */
const MOST_LOOKED_AT = 600;
/** A cheap look at the whole message: the word itself, or what it can hide behind. Without case, `\P{ASCII}` would find each `k` and `s`. */
const CLAIM = /intercept/i;
const MAY_HIDE = /\\u|\P{ASCII}/u;
/** Where a text begins, or a line of it. */
const BEGINNING = String.raw`(?<!\\)"|\\[nr]|\\u(?:000[ad]|0085|202[89])|[\u0085\u2028\u2029]`;
/** What shows nothing, or only how a line looks, and ends no line: each character of a message is looked at twice at most. */
const UNSEEN = String.raw`[>*#_~\x60|\-]|\\[bft]|\\u(?!005b|ff3b|3010|000[ad]|0085|202[89])[\da-f]{4}|(?![\u0085\u2028\u2029])[\s\p{Cc}\p{Cf}\p{Zs}\p{Default_Ignorable_Code_Point}]`;
/** A text, or a line of one, whose first visible character is a bracket. */
const BRACKETED = new RegExp(String.raw`(${BEGINNING})(?:${UNSEEN})*(?:[[\uff3b\u3010]|\\u(?:005b|ff3b|3010))`, 'giu');
/** What names something, and is compared: it is no text that anybody reads. */
const NAMES =
  /"(?:id|name|method|uri|cursor|nextCursor|requestState|taskId|requestId|progressToken|elicitationId|resultType|mimeType|blob)"\s*:\s*$/;
/** Characters before a text in which its key is looked for. */
const KEY_ROOM = 64;

/** The message with its texts marked that only sound like Intercept; undefined where there are none. `text` is valid JSON. */
export function markOwnWords(text: string): string | undefined {
  if (!CLAIM.test(text) && !MAY_HIDE.test(text)) return undefined;
  const edits: Edit[] = [];
  for (const { 1: beginning = '', index } of text.matchAll(BRACKETED)) {
    const start = index + beginning.length;
    if (!soundsLikeOurs(text, start)) continue;
    if (beginning === '"' && NAMES.test(text.slice(Math.max(0, index - KEY_ROOM), index))) continue;
    edits.push({ start, end: start, text: NOT_OURS });
  }
  return edits.length === 0 ? undefined : applyEdits(text, { start: 0, end: text.length }, edits);
}

function soundsLikeOurs(text: string, start: number): boolean {
  const raw = text.slice(start, start + MOST_LOOKED_AT);
  const whole = /^(?:[^"\\]|\\(?:u[\da-f]{4}|[^u]))*/i.exec(raw)?.[0] ?? '';
  // What is followed by a colon is a key.
  if (whole.length < raw.length && /^"\s*:/.test(raw.slice(whole.length))) return false;
  const said: string = JSON.parse(`"${whole.replaceAll(/\p{Cc}/gu, ' ')}"`);
  const letters = lookOf(said).replace(/[^a-z]/g, '');
  return OURS.some((words) => letters.startsWith(words));
}
