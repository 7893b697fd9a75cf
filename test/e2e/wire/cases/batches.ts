/** Batches (wire.md §2.1). */
import { type Attack, call, DANGER, SAFE } from '../attack.ts';

const safe = (id: string) => call(SAFE, id);
const danger = (id: string) => call(DANGER, id);

const ALLOWED: readonly Attack[] = (
  [
    ['a denied call behind an allowed one', `[${safe('1')},${danger('2')}]`, ['1', '2'], [], 1],
    ['a denied call before an allowed one', `[${danger('1')},${safe('2')}]`, ['1', '2'], [], 1],
    ['only a denied call', `[${danger('1')}]`, ['1'], [], 0],
    ['a denied call without an id between two allowed ones', `[${safe('1')},${danger('')},${safe('2')}]`, ['1', '2'], [], 2],
    ['the same id twice', `[${safe('1')},${danger('1')}]`, ['1', '1'], ['id_in_flight'], 1],
    [
      'an element with duplicate keys spoils the whole text',
      `[${safe('1')},${call(`${SAFE},"name":"danger"`, '2')}]`,
      ['null'],
      ['duplicate_key'],
      0,
    ],
    ['an element with a look-alike key', `[${safe('1')},${call(`${SAFE},"Name":"danger"`, '2')}]`, ['1', '2'], ['look_alike_key'], 1],
    ['an element with a null id', `[${safe('1')},${call(DANGER, 'null')}]`, ['1', 'null'], ['bad_id'], 1],
    ['an undecodable element', `[${safe('1')},${call('"name":["danger"]', '2')}]`, ['1', '2'], ['bad_call'], 1],
    ['a scalar among the elements', `[7,${safe('1')}]`, ['null', '1'], ['not_json_rpc'], 1],
    ['initialize inside', `[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}},${safe('2')}]`, ['1', '2'], ['batch'], 1],
    ['white space around a denied call', `[ ${safe('1')} , ${danger('2')} ]`, ['1', '2'], [], 1],
  ] as const
).map(([name, bytes, ids, reasons, forwarded]) => ({
  point: '1 batches',
  name,
  bytes,
  version: '2025-03-26',
  expected: { kind: 'batch', ids, reasons, forwarded },
}));

const REFUSED: readonly Attack[] = (
  [
    ['a nested batch', `[[${danger('1')}]]`, '2025-03-26'],
    ['a nested batch behind an allowed call', `[${safe('1')},[${danger('2')}]]`, '2025-03-26'],
    ['an empty batch', '[]', '2025-03-26'],
    ['an empty batch with white space', '[  ]', '2025-03-26'],
    ['1025 elements', `[${Array.from({ length: 1025 }, () => '{"jsonrpc":"2.0","method":"x"}').join(',')}]`, '2025-03-26'],
    ['a batch in a revision without batches', `[${danger('1')}]`, undefined],
    ['an allowed batch in a revision without batches', `[${safe('1')}]`, undefined],
    ['a batch of notifications in a revision without batches', `[${danger('')}]`, undefined],
    ['white space before a batch', `  [${danger('1')}]`, undefined],
    ['an empty batch in a revision without batches', '[]', undefined],
  ] as const
).map(([name, bytes, version]) => ({
  point: '1 batches',
  name,
  bytes,
  version,
  expected: { kind: 'refused', code: -32600, reason: 'batch', id: 'null' },
}));

const NOTIFIED: Attack = {
  point: '1 batches',
  name: 'only a denied call without an id',
  bytes: `[${danger('')}]`,
  version: '2025-03-26',
  expected: { kind: 'nothing' },
};

export const BATCHES: readonly Attack[] = [...ALLOWED, ...REFUSED, NOTIFIED];
