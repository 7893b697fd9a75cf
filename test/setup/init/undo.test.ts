/** setup.md §3 "Undo": the entries of all runs, and nothing else. */
import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { openJournal } from '../../../src/setup/init/journal.ts';
import { agreementOf, planUndo, runUndo, type UndoChoice, type UndoReport } from '../../../src/setup/init/undo-run.ts';
import { openPlace, type Place, targetAt, wrapServers } from './journaled.ts';

const NOW = Date.UTC(2026, 10, 30);
const FILE = '\ufeff{"mcpServers": {\r\n\t"a": {"command": "run-a", "args": [ "x" ]},\r\n\t"b": {"command": "run-b"}}} // mine\r\n';
const ALL: UndoChoice = { isMeant: () => true };

const begin = (place: Place, at = NOW) => openJournal(place.setup, 'init', at);
const undoAll = (place: Place, agreed: ReadonlySet<string> = new Set(), choice = ALL) => runUndo(place.setup, choice, agreed, NOW + 60_000);
const outcomes = (report: UndoReport) =>
  report.files.flatMap(({ result }) => result.entries.map(({ entry, outcome }) => `${entry.record.name} ${outcome}`));

describe('undo', () => {
  test('is the identity where nothing else changed', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    await wrapServers(targetAt(path), ['a', 'b'], begin(place));
    expect(outcomes(await undoAll(place))).toEqual(['a restored', 'b restored']);
    expect(place.text(path)).toBe(FILE);
  });

  test('takes all runs back, and can be repeated', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    await wrapServers(targetAt(path), ['a'], begin(place));
    await wrapServers(targetAt(path), ['b'], begin(place, NOW + 1_000));
    expect(outcomes(await undoAll(place))).toEqual(['b restored', 'a restored']);
    expect(place.text(path)).toBe(FILE);
    expect((await undoAll(place)).files).toEqual([]);
    expect(place.text(path)).toBe(FILE);
  });

  test('keeps what others wrote since', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    await wrapServers(targetAt(path), ['a', 'b'], begin(place));
    writeFileSync(path, place.text(path).replace('// mine', '// mine, and more'));
    expect(outcomes(await undoAll(place))).toEqual(['b restored', 'a restored']);
    expect(place.text(path)).toBe(FILE.replace('// mine', '// mine, and more'));
  });

  test('takes one entry back, then the rest', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    await wrapServers(targetAt(path), ['a', 'b'], begin(place));
    const onlyA: UndoChoice = { isMeant: ({ record }) => record.name === 'a' };
    expect(outcomes(await undoAll(place, new Set(), onlyA))).toEqual(['a restored']);
    expect(place.text(path)).toContain('"args": [ "x" ]');
    expect(place.text(path)).toContain('/p/b.yaml');
    expect(outcomes(await undoAll(place))).toEqual(['b restored']);
    expect(place.text(path)).toBe(FILE);
  });

  test('asks about an entry that was edited by hand, and unwraps exactly what was agreed to', async () => {
    using place = openPlace();
    const path = place.put('mcp.json', FILE);
    await wrapServers(targetAt(path), ['a'], begin(place));
    writeFileSync(path, place.text(path).replace('"x"', '"x", "--more"'));
    const [planned] = planUndo(place.setup, ALL).files;
    const [entry] = planned?.result.entries ?? [];
    expect(entry?.outcome).toBe('changed');
    expect(Buffer.from(entry?.asked?.after ?? []).toString()).toBe(FILE.replace('"x"', '"x", "--more"'));
    expect(outcomes(await undoAll(place))).toEqual(['a changed']);
    expect(place.text(path)).toContain('/p/a.yaml');
    const agreed = new Set(entry?.asked ? [agreementOf(entry.key, entry.asked.signature)] : []);
    expect(outcomes(await undoAll(place, agreed))).toEqual(['a agreed']);
    expect(place.text(path)).toBe(FILE.replace('"x"', '"x", "--more"'));
  });

  test('leaves an entry alone that is gone, and a file', async () => {
    using place = openPlace();
    const [path, other] = [place.put('mcp.json', FILE), place.put('other.json', FILE)];
    const run = begin(place);
    await wrapServers(targetAt(path), ['a'], run);
    await wrapServers(targetAt(other), ['a'], run);
    writeFileSync(path, '{}');
    writeFileSync(other, '');
    expect(outcomes(await undoAll(place))).toEqual(['a nothing', 'a nothing']);
    expect([place.text(path), place.text(other)]).toEqual(['{}', '']);
  });
});
