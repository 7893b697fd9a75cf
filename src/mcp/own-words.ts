/**
 * Texts of a server that begin with the words by which Intercept speaks to the agent (policy.md §13). SECURITY: a human who
 * is told "[INTERCEPT APPROVAL REQUIRED] Sign in at …" may type the approver secret there: such a text is marked.
 */
import { lookOf } from '../core/reveal.ts';
import { applyEdits, type Edit } from './edit.ts';

/** What stands before such a text from then on. */
export const NOT_OURS = '[FROM THE SERVER, NOT FROM INTERCEPT] ';

/** How both begin, in lower-case letters alone. */
const OURS = ['interceptapprovalrequired', 'interceptpolicydenied'];
/** Characters of a text that are looked at; in front of the words, nothing that can be seen stands. */
const MOST_LOOKED_AT = 600;
/** A cheap look at the whole message: the word itself, or what it can hide behind. */
const MAY_CLAIM = /intercept|\\u|\P{ASCII}/iu;
/** A text whose first visible character is a bracket. The first part is what shows nothing. */
const BRACKETED =
  /(?<!\\)"(?:\s|\\[bfnrt]|\\u(?!005b|ff3b|3010)[\da-f]{4}|[\p{Cc}\p{Cf}\p{Zs}\p{Default_Ignorable_Code_Point}])*(?:[[\uff3b\u3010]|\\u(?:005b|ff3b|3010))/giu;
/** What names something, and is compared: it is no text that anybody reads. */
const NAMES =
  /"(?:id|name|method|uri|cursor|nextCursor|requestState|taskId|requestId|progressToken|elicitationId|resultType|mimeType|blob)"\s*:\s*$/;
/** Characters before a text in which its key is looked for. */
const KEY_ROOM = 64;

/** The message with its texts marked that only sound like Intercept; undefined where there are none. `text` is valid JSON. */
export function markOwnWords(text: string): string | undefined {
  if (!MAY_CLAIM.test(text)) return undefined;
  const edits: Edit[] = [];
  for (const { index } of text.matchAll(BRACKETED)) {
    if (!soundsLikeOurs(text, index)) continue;
    if (NAMES.test(text.slice(Math.max(0, index - KEY_ROOM), index))) continue;
    edits.push({ start: index + 1, end: index + 1, text: NOT_OURS });
  }
  return edits.length === 0 ? undefined : applyEdits(text, { start: 0, end: text.length }, edits);
}

function soundsLikeOurs(text: string, quote: number): boolean {
  const raw = text.slice(quote + 1, quote + 1 + MOST_LOOKED_AT);
  const whole = /^(?:[^"\\]|\\(?:u[\da-f]{4}|[^u]))*/i.exec(raw)?.[0] ?? '';
  // What is followed by a colon is a key.
  if (whole.length < raw.length && /^"\s*:/.test(raw.slice(whole.length))) return false;
  const said: string = JSON.parse(`"${whole.replaceAll(/\p{Cc}/gu, ' ')}"`);
  const letters = lookOf(said).replace(/[^a-z]/g, '');
  return OURS.some((words) => letters.startsWith(words));
}
