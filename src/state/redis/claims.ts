/** Idempotency claims (scale.md §2): hashes, whose fields are a row's own. */
import type { ClaimRecord, ClaimRequest } from '../../core/claim.ts';
import { claimAt, forgetAt } from '../claim.ts';
import type { ClaimRow, ClaimRows } from '../rows.ts';
import type { Load, RowDraft } from './draft.ts';
import { KEYS, namespaceKeys } from './keys.ts';

/** A claim as it is stored, with the namespace it belongs to. */
export interface StoredClaim extends ClaimRow {
  readonly namespace: string;
}

/** The name by which a claim is found: its fingerprint first. */
export function claimName(key: string, redisKey: string): string {
  return `${key} ${redisKey}`;
}

/** The fields of a fresh claim but for what the time says. */
export function claimFields({ key, window, tool, agent, args }: ClaimRequest, token: string, namespace: string): readonly string[] {
  return fieldsOf({ key, window, tool, agent, args, token, namespace });
}

/** The shared rules read and write these; `boundResults` is done afterwards, by the sweep. */
export function claimRows(draft: RowDraft, namespace: string): ClaimRows {
  const keyOf = namespaceKeys(namespace).claim;
  const load = (key: string): ClaimRow | undefined => {
    const row = draft.get(loadClaim(keyOf(key)));
    for (const field of ['token', 'state', 'until'] as const)
      draft.require(['HGET', keyOf(key), field, row === undefined ? false : String(row[field])]);
    return row;
  };
  const put = (row: ClaimRow) => {
    const key = keyOf(row.key);
    drop(row.key, load(row.key));
    draft.write('HSET', { key }, ...fieldsOf({ ...row, namespace }));
    draft.write('ZADD', { key: KEYS.claimsByAge }, String(row.claimedAt), key);
    draft.write('ZADD', { key: KEYS.claimsByEnd }, String(forgetAt(row)), key);
    draft.write('ZADD', { key: KEYS.claimNames }, '0', claimName(row.key, key));
    if (row.resultBytes === undefined) return;
    draft.write('ZADD', { key: KEYS.results }, String(row.finishedAt), key);
    draft.write('HINCRBY', { key: KEYS.head }, 'stored', String(row.resultBytes));
  };
  const drop = (claim: string, row: ClaimRow | undefined) => dropClaim(draft, claim, keyOf(claim), row);
  return {
    claim: load,
    putClaim: put,
    dropClaim: (key) => drop(key, load(key)),
    endClaim({ key, token }, end) {
      const row = load(key);
      if (row?.token !== token || row.state !== 'in_flight') return false;
      if (end) put({ ...row, ...end, args: end.state === 'done' ? '' : row.args });
      else drop(key, row);
      return true;
    },
    boundResults() {},
  };
}

/** Removes a claim with all that finds it. */
export function dropClaim(draft: RowDraft, claim: string, key: string, row: Pick<ClaimRow, 'resultBytes'> | undefined): void {
  draft.write('DEL', { key });
  for (const set of [KEYS.claimsByAge, KEYS.claimsByEnd, KEYS.results]) draft.write('ZREM', { key: set }, key);
  draft.write('ZREM', { key: KEYS.claimNames }, claimName(claim, key));
  if (row?.resultBytes !== undefined) draft.write('HINCRBY', { key: KEYS.head }, 'stored', String(-row.resultBytes));
}

export function loadClaim(key: string): Load<StoredClaim | undefined> {
  return { name: `claim ${key}`, commands: [['HGETALL', key]], parse: ([fields]) => claimOf(fields as readonly string[]) };
}

const NUMBERS: ReadonlySet<string> = new Set(['window', 'claimedAt', 'until', 'finishedAt', 'resultBytes']);

/** A row from the flat list of its fields. */
export function claimOf(flat: readonly string[]): StoredClaim | undefined {
  if (flat.length === 0) return undefined;
  const row: Record<string, unknown> = { ...ABSENT };
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const [field = '', value = ''] = [flat[index], flat[index + 1]];
    row[field] = NUMBERS.has(field) ? Number(value) : value;
  }
  return row as unknown as StoredClaim;
}

const ABSENT = { agent: undefined, finishedAt: undefined, result: undefined, resultBytes: undefined, resolvedBy: undefined };

function fieldsOf(row: object): readonly string[] {
  return Object.entries(row).flatMap(([field, value]) => (value === undefined ? [] : [field, String(value)]));
}

/** People see these fields: the result, which may be long, is not among them. */
export const SHOWN_FIELDS = [
  'key',
  'namespace',
  'tool',
  'agent',
  'args',
  'state',
  'window',
  'claimedAt',
  'until',
  'resultBytes',
  'resolvedBy',
];

/** A claim from those fields as people see it now; none where it is over, or not kept. */
export function shownClaims(fields: readonly (string | null)[], now: number): readonly ClaimRecord[] {
  const flat = SHOWN_FIELDS.flatMap((field, index) => (fields[index] === null ? [] : [field, fields[index] as string]));
  const row = claimOf(flat);
  const standing = row && claimAt(row, now);
  if (!row || !standing) return [];
  const { key, namespace, tool, agent, args, claimedAt, resultBytes, resolvedBy } = row;
  return [{ key, namespace, tool, agent, args, claimedAt, resultBytes, resolvedBy, ...standing }];
}
