import { NAMES } from './contestants.ts';
import type { Decisions } from './decisions.ts';
import { median } from './stats.ts';

/** One contestant in one round: µs, calls per second, MiB. */
export interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly rate: number;
  readonly memory: number;
}

export type Round = Readonly<Record<string, Measured>>;

export interface Row {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly addedP50: number;
  readonly addedP99: number;
  /** Added median latency, as a multiple of what the bare relay adds. */
  readonly ratio: number;
  readonly rate: number;
  /** Throughput as a share of the bare relay's. */
  readonly rateRatio: number;
  readonly memory: number;
  /** ms from spawn to ready, beyond the direct server's. */
  readonly addedStart: number;
}

/** Medians over rounds; what is compared is paired within its round. */
export function summarize(rounds: readonly Round[], starts: Readonly<Record<string, readonly number[]>>): readonly Row[] {
  return Object.values(NAMES)
    .filter((name) => rounds.every((round) => name in round))
    .map((name) => {
      const over = (f: (own: Measured, direct: Measured, relay: Measured) => number) =>
        median(rounds.map((round) => f(at(round, name), at(round, NAMES.direct), at(round, NAMES.relay))));
      const direct = starts[NAMES.direct] ?? [];
      return {
        name,
        p50: over((own) => own.p50),
        p99: over((own) => own.p99),
        addedP50: over((own, server) => own.p50 - server.p50),
        addedP99: over((own, server) => own.p99 - server.p99),
        ratio: over((own, server, relay) => (own.p50 - server.p50) / (relay.p50 - server.p50)),
        rate: over((own) => own.rate),
        rateRatio: over((own, _, relay) => own.rate / relay.rate),
        memory: over((own) => own.memory),
        addedStart: median((starts[name] ?? []).map((ms, i) => ms - (direct[i] ?? 0))),
      };
    });
}

/** One table for people, and the lines that compare two of its rows. */
export function renderTable(rows: readonly Row[], decisions: Decisions, missing: readonly string[]): string {
  const head = ['', 'p50 µs', 'p99 µs', 'added p50', 'added p99', '× relay', '32 in flight /s', '× relay', 'RSS MiB', 'added start ms'];
  const body = rows.map((row) => [
    row.name,
    ...[row.p50, row.p99, row.addedP50, row.addedP99].map((us) => us.toFixed(0)),
    row.ratio.toFixed(2),
    row.rate.toFixed(0),
    row.rateRatio.toFixed(2),
    row.memory.toFixed(0),
    row.addedStart.toFixed(1),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...body.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return `${[line(head), rule, ...body.map(line), '', ...notes(rows, decisions), ...missing.map((text) => `missing: ${text}`)].join('\n')}\n`;
}

function notes(rows: readonly Row[], decisions: Decisions): readonly string[] {
  const few = rows.find(({ name }) => name === NAMES.few);
  const many = rows.find(({ name }) => name === NAMES.many);
  const ends = few && many ? [`10,000 rules against 10, end to end: ${(many.p50 / few.p50).toFixed(2)} times the p50`] : [];
  if ('missing' in decisions) return [...ends, `missing: decisions: ${decisions.missing}`];
  const rates = Object.entries(decisions.perSecond).map(
    ([name, rate]) => `decisions per second, ${name}: ${Math.round(rate).toLocaleString('en')}`,
  );
  return [...ends, ...rates, `10,000 rules against 10, in process: ${decisions.rulesRatio.toFixed(2)} times the time of a decision`];
}

function at(round: Round, name: string): Measured {
  const measured = round[name];
  if (!measured) throw new Error(`no measurement of ${name}`);
  return measured;
}
