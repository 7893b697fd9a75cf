/** Writes our own messages, and the few changes that we make to a server's. */
import { DECISION_KEY } from '../../core/answer.ts';
import { lookOf } from '../../core/reveal.ts';
import { applyEdits, cutItems, type Edit, membersAt, setMember } from '../json/edit.ts';
import { foldKey } from '../json/keys.ts';
import type { Member, Span } from '../json/scan-types.ts';
import { membersOf } from './envelope.ts';
import type { ResponseFrame } from './frame.ts';
export interface ToolResult {
  readonly text: string;
  /** The result's whole `_meta`. */
  readonly meta: object;
  /** True where the session's revision has `resultType` (2026-07-28). */
  readonly resultType: boolean;
}

/** The answer to a call that was not forwarded (policy.md §13); `id` is the JSON text of the request's. */
export function renderToolResult(id: string, { text, meta, resultType }: ToolResult): string {
  const type = resultType ? ',"resultType":"complete"' : '';
  const result = `{"content":[{"type":"text","text":${JSON.stringify(text)}}],"isError":true${type},"_meta":${JSON.stringify(meta)}}`;
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
}

/** A JSON-RPC error; `id` is the JSON text of the request's, or null where that is not known. */
export function renderError(id: string | null, code: number, message: string, data?: unknown): string {
  const more = data === undefined ? '' : `,"data":${JSON.stringify(data)}`;
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":{"code":${code},"message":${JSON.stringify(message)}${more}}}`;
}

/** The lists that clients ask for unasked, declared or not, and the member that holds each. */
const LISTS: ReadonlyMap<string, string> = new Map([
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
  ['prompts/list', 'prompts'],
]);

/** The members of an empty list, as the answer to this method has them; undefined where it is none of such a list. */
export function emptyListOf(method: string): object | undefined {
  const member = LISTS.get(method);
  return member === undefined ? undefined : { [member]: [] };
}

/** The answer to a list that the policy denies: empty, and marked as ours (policy.md §13). No client may keep it for others. */
export function renderEmptyList(id: string, list: object, { meta, resultType }: Omit<ToolResult, 'text'>): string {
  const modern = resultType ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {};
  return `{"jsonrpc":"2.0","id":${id},"result":${JSON.stringify({ ...list, ...modern, _meta: meta })}}`;
}

/** Cuts the frame's own part out of the text, also where it came in a batch. */
export function textOf({ text, span }: { readonly text: string; readonly span: Span }): string {
  return span.start === 0 && span.end === text.length ? text : text.slice(span.start, span.end);
}

/** An `initialize` or `server/discover` result without the `denied` capabilities, and whose tool list, where there is one, may change. */
export function adjustCapabilities(frame: ResponseFrame, denied: readonly string[]): string {
  const { text, span, result } = frame;
  const capabilities = objectMember(text, result, 'capabilities');
  const members = membersOf(text, capabilities);
  const places = members.map(({ keyStart, end }) => ({ start: keyStart, end }));
  const edits = cutItems(places, (index) => denied.includes(members[index]?.key ?? ''));
  const tools = denied.includes('tools') ? undefined : objectMember(text, capabilities, 'tools');
  if (tools) edits.push(setMember(text, tools, 'listChanged', 'true'));
  return edits.length === 0 ? textOf(frame) : applyEdits(text, span, edits);
}

/**
 * The text without `result._meta["policylayer.com/decision"]`, or undefined where there is none.
 * SECURITY: only our own answers carry that mark; every spelling that a lenient reader takes for it goes too.
 */
export function withoutDecision(frame: ResponseFrame): string | undefined {
  if (!frame.members.has('_meta')) return undefined;
  const edits = decisionEdits(frame.text, frame.result);
  return edits.length === 0 ? undefined : applyEdits(frame.text, frame.span, edits);
}

/** The JSON text of a result as it came, on one line: what is kept of an idempotent call (policy.md §9). */
export function resultText(text: string, result: Span | undefined): string | undefined {
  if (!result || text.charCodeAt(result.start) !== 123) return undefined;
  return text.slice(result.start, result.end).replace(/[\r\n]/g, ' ');
}

/**
 * The kept result of an identical call as the answer to this one (policy.md §9): as it was, but for the mark in `_meta`
 * (a server's own is taken out), and for the `resultType` that the session's revision may want.
 */
export function renderReplay(id: string, result: string, mark: object, resultType: boolean): string {
  const typed = resultType && !hasMember(result, 'resultType') ? mergeMember(result, wholeOf(result), 'resultType', '"complete"') : result;
  const text = applyEdits(typed, wholeOf(typed), decisionEdits(typed, wholeOf(typed)));
  const own = objectMember(text, wholeOf(text), '_meta');
  const value = JSON.stringify(mark);
  const marked = own
    ? mergeMember(text, own, DECISION_KEY, value)
    : mergeMember(text, wholeOf(text), '_meta', `{${JSON.stringify(DECISION_KEY)}:${value}}`);
  return `{"jsonrpc":"2.0","id":${id},"result":${marked}}`;
}

function hasMember(object: string, key: string): boolean {
  return membersAt(object, 0).some((member) => member.key === key);
}

function wholeOf(text: string): Span {
  return { start: 0, end: text.length };
}

function decisionEdits(text: string, result: Span | undefined): readonly Edit[] {
  const members = membersOf(text, objectMember(text, result, '_meta'));
  const places = members.map(({ keyStart, end }) => ({ start: keyStart, end }));
  return cutItems(places, (index) => isDecision(members[index]?.key ?? ''));
}

/** The text with another id in the place of the one at `idSpan`; `newId` is JSON text. Of a batch, `span` is the message that is wanted. */
export function withId(text: string, idSpan: Span, newId: string, span: Span = { start: 0, end: text.length }): string {
  return text.slice(span.start, idSpan.start) + newId + text.slice(idSpan.end, span.end);
}

/** The text with a member set in the object at `object`; `value` is JSON text. */
export function mergeMember(text: string, object: Span, key: string, value: string): string {
  return applyEdits(text, { start: 0, end: text.length }, [setMember(text, object, key, value)]);
}

function isDecision(key: string): boolean {
  return key === DECISION_KEY || foldKey(key) === DECISION_KEY;
}

/** The span of a member that is an object. */
function objectMember(text: string, object: Span | undefined, key: string): Member | undefined {
  const found = membersOf(text, object).findLast((member) => member.key === key);
  return found && text.charCodeAt(found.start) === 123 ? found : undefined;
}

/** Stands before such a text from then on. */
export const NOT_OURS = '[FROM THE SERVER, NOT FROM INTERCEPT] ';

/** Both begin so, in lower-case letters alone. */
const OURS = ['interceptapprovalrequired', 'interceptpolicydenied'];
/** Characters of a text that are looked at; in front of the words, nothing that can be seen stands. */
const MOST_LOOKED_AT = 600;
/** A cheap look at the whole message: the word itself, or what it can hide behind. Without case, `\P{ASCII}` would find each `k` and `s`. */
const CLAIM = /intercept/i;
const MAY_HIDE = /\\u|\P{ASCII}/u;
/** Where a text begins, or a line of it. */
const BEGINNING = String.raw`(?<!\\)"|\\[nr]|\\u(?:000[ad]|0085|202[89])|[\u0085\u2028\u2029]`;
/** Characters that show nothing, or only how a line looks, and end no line: each character of a message is looked at twice at most. */
const UNSEEN = String.raw`[>*#_~\x60|\-]|\\[bft]|\\u(?!005b|ff3b|3010|000[ad]|0085|202[89])[\da-f]{4}|(?![\u0085\u2028\u2029])[\s\p{Cc}\p{Cf}\p{Zs}\p{Default_Ignorable_Code_Point}]`;
/** A text, or a line of one, whose first visible character is a bracket. */
const BRACKETED = new RegExp(String.raw`(${BEGINNING})(?:${UNSEEN})*(?:[[\uff3b\u3010]|\\u(?:005b|ff3b|3010))`, 'giu');
/** Members that name something and are compared: nobody reads them as text. */
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
  const decoded: string = JSON.parse(`"${whole.replaceAll(/\p{Cc}/gu, ' ')}"`);
  const letters = lookOf(decoded).replace(/[^a-z]/g, '');
  return OURS.some((words) => letters.startsWith(words));
}
