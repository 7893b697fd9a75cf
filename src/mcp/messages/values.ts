/** Members of `params` and `result` as values. Those of a large frame were read in slices (wire.md §2.13). */
import type { Json } from '../../core/json.ts';
import type { Slices } from '../../core/slices.ts';
import { readJson } from '../json/json.ts';
import { type Allowance, readJsonInSlices } from '../json/json-slices.ts';
import { type Member, membersAt } from '../json/scan.ts';
import type { Span } from '../json/token.ts';
import type { NotificationFrame, RequestFrame, ResponseFrame, Values } from './message.ts';

type Asking = RequestFrame | NotificationFrame;

/** The value of a member of `params`, or of `result`; undefined where there is none. */
export function readMember(frame: Asking | ResponseFrame, key: string): Json | undefined {
  const known = frame.values?.get(key);
  if (known !== undefined) return known;
  const span = (frame.kind === 'response' ? frame.members : frame.params.members).get(key);
  return span && readJson(frame.text, span.start);
}

/** How many values one large frame may have where they are read, arrays and objects counted four times. */
export const MAX_VALUES = 1_000_000;

/** Reads these members of a large frame; undefined where they have more values than may be. */
export function* valuesIn(
  text: string,
  members: ReadonlyMap<string, Span>,
  isAsked?: (key: string) => boolean,
): Slices<Values | undefined> {
  const allowance: Allowance = { left: MAX_VALUES };
  const values = new Map<string, Json>();
  for (const [key, { start }] of members) {
    if (isAsked?.(key) === false) continue;
    const value = yield* readJsonInSlices(text, start, allowance);
    if (value === undefined) return undefined;
    values.set(key, value);
  }
  return values;
}

/** A member that was found in a text known to be valid. */
type Found = Span & { readonly members?: readonly Member[] | undefined };

/** The members of an object, none of anything else; those that a scan has kept are not looked for again. */
export function membersOf(text: string, object: Found | undefined): readonly Member[] {
  if (!object || text.charCodeAt(object.start) !== 123) return NONE;
  return object.members ?? membersAt(text, object.start);
}

const NONE: readonly Member[] = [];
