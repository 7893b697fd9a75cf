/** The tools that people judged, and how the classifier agrees with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromPlain } from '../../src/mcp/json/values.ts';
import { classifyTools, RISKS, type Risk, type ScannedTool, type ToolRisk } from '../../src/setup/risk/risk.ts';

/** A tool as it is kept: a description is the words of our table that were found in it, never a text of others. */
export interface PlainTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema?: unknown;
  readonly annotations?: unknown;
}

export interface JudgedTool extends PlainTool {
  readonly set: string;
  readonly risk: Risk;
}

/** One line of the file. `peers`: names of other tools of the server, as many as its prefix needs. */
export interface JudgedServer {
  readonly server: string;
  readonly peers: readonly string[];
  readonly tools: readonly JudgedTool[];
}

export interface Verdict {
  readonly server: string;
  readonly judged: JudgedTool;
  readonly found: ToolRisk;
}

export const JUDGED = join(import.meta.dirname, '../../test/fixtures/risk/judged.jsonl');

/** Reads the file of judged tools. */
export function readJudged(path = JUDGED): readonly JudgedServer[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line): JudgedServer => JSON.parse(line));
}

/** A tool as the classifier takes it. */
export function scannedOf({ name, description, inputSchema, annotations }: PlainTool): ScannedTool {
  return {
    name,
    ...(description !== undefined && { description }),
    ...(inputSchema !== undefined && { inputSchema: fromPlain(inputSchema) }),
    ...(annotations !== undefined && { annotations: fromPlain(annotations) }),
  };
}

/** Classifies the judged tools of a server among its others: by what is kept, or by its whole scan. */
export function judge({ server, peers, tools }: JudgedServer, scan?: readonly PlainTool[]): readonly Verdict[] {
  const all = scan ?? [...tools, ...peers.map((name) => ({ name }))];
  const risks = classifyTools(all.map(scannedOf));
  return tools.flatMap((judged) => {
    const found = risks[all.findIndex(({ name }) => name === judged.name)];
    return found ? [{ server, judged, found }] : [];
  });
}

export interface Score {
  readonly agree: number;
  readonly total: number;
  /** `Read` called `Write`: by judgement and then by class. */
  readonly matrix: Readonly<Record<Risk, Readonly<Record<Risk, number>>>>;
  /** Destructive and Financial tools that were called Read. */
  readonly missed: readonly Verdict[];
  readonly others: readonly Verdict[];
}

/** Counts where judgement and class agree. */
export function scoreOf(verdicts: readonly Verdict[]): Score {
  const others = verdicts.filter(({ judged, found }) => judged.risk !== found.risk);
  const count = (judged: Risk, found: Risk) => verdicts.filter((one) => one.judged.risk === judged && one.found.risk === found).length;
  const row = (judged: Risk) => perRisk((found) => count(judged, found));
  return {
    agree: verdicts.length - others.length,
    total: verdicts.length,
    matrix: perRisk(row),
    missed: others.filter(({ judged, found }) => found.risk === 'Read' && (judged.risk === 'Destructive' || judged.risk === 'Financial')),
    others,
  };
}

function perRisk<T>(make: (risk: Risk) => T): Readonly<Record<Risk, T>> {
  const [Read, Write, Execute, Financial, Destructive] = RISKS;
  return {
    Read: make(Read),
    Write: make(Write),
    Execute: make(Execute),
    Financial: make(Financial),
    Destructive: make(Destructive),
  };
}

/** The matrix as a table, judgements down and classes across, and each tool on which they differ. */
export function renderScore(name: string, { agree, total, matrix, missed, others }: Score): string {
  const percent = ((100 * agree) / Math.max(1, total)).toFixed(1);
  const head = `${'judged ↓  called →'.padEnd(20)}${RISKS.map((risk) => risk.padStart(13)).join('')}`;
  const rows = RISKS.map((judged) => `  ${judged.padEnd(18)}${RISKS.map((found) => String(matrix[judged][found]).padStart(13)).join('')}`);
  const lines = others.map(({ server, judged, found }) => {
    const why = found.evidence.map(({ source, says }) => `${source}: ${says}`).join(', ');
    return `  ${judged.risk} → ${found.risk}  ${server}/${judged.name}  ${why || 'no evidence'}`;
  });
  return [
    `${name}: ${agree} of ${total} agree (${percent} %), ${missed.length} Destructive or Financial called Read`,
    head,
    ...rows,
    ...lines,
    '',
  ].join('\n');
}
