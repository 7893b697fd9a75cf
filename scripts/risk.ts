/**
 * `npm run risk`: how the classes of tools agree with the judged ones, set by set, and where they differ.
 *   -- --scans FOLDER                       with the whole scans (`<server>.json`) instead of what is kept of them
 *   -- --scans FOLDER --record              keeps the words of the descriptions anew, after the table of words changed
 *   -- --scans FOLDER --add FILE --set NAME adds judgements: a line `{"server", "tool", "risk"}` each
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Risk } from '../src/setup/risk/risk.ts';
import { JUDGED, type JudgedTool, judge, type PlainTool, readJudged, renderScore, scoreOf, type Verdict } from './risk/judged.ts';
import { differing, record } from './risk/record.ts';

const { values } = parseArgs({
  options: { scans: { type: 'string' }, record: { type: 'boolean' }, add: { type: 'string' }, set: { type: 'string' } },
});

type Judgements = Map<string, Map<string, Pick<JudgedTool, 'set' | 'risk'>>>;

function scanOf(server: string): readonly PlainTool[] | undefined {
  const path = values.scans === undefined ? '' : join(values.scans, `${server}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).tools : undefined;
}

function judgements(): Judgements {
  const known: Judgements = new Map(
    existsSync(JUDGED) ? readJudged().map(({ server, tools }) => [server, new Map(tools.map((tool) => [tool.name, tool]))]) : [],
  );
  for (const line of values.add === undefined ? [] : readFileSync(values.add, 'utf8').trim().split('\n')) {
    const { server, tool, risk }: { server: string; tool: string; risk: Risk } = JSON.parse(line);
    known.set(server, (known.get(server) ?? new Map()).set(tool, { set: values.set ?? 'more', risk }));
  }
  return known;
}

function recordAll(): void {
  const lines: string[] = [];
  for (const [server, judged] of [...judgements()].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const scan = scanOf(server);
    if (!scan) throw new Error(`no scan of "${server}" in ${values.scans}`);
    const kept = record(server, scan, judged);
    for (const name of differing(kept, scan)) console.error(`${server}/${name} is classed otherwise by what is kept of it`);
    lines.push(JSON.stringify(kept));
  }
  writeFileSync(JUDGED, `${lines.join('\n')}\n`);
}

if (values.record || values.add) recordAll();
const verdicts = readJudged().flatMap((server): readonly Verdict[] => judge(server, scanOf(server.server)));
for (const [set, some] of Map.groupBy(verdicts, ({ judged }) => judged.set)) console.log(renderScore(set, scoreOf(some)));
const all = scoreOf(verdicts);
console.log(renderScore('all', { ...all, others: [] }));
process.exitCode = all.missed.length === 0 ? 0 : 1;
