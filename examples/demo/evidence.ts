/** What is left behind by a session: the server's own ledger, and Intercept's audit records. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dollars } from './calls.ts';

type Effects = Readonly<Record<string, number>>;

export interface AuditRecord {
  readonly type: string;
  readonly tool: string;
  readonly result: string;
  readonly rule?: string;
  readonly message?: string;
}

/** The totals of what a server says it did, by kind. */
export async function readEffects(ledger: string): Promise<Effects> {
  const totals: Record<string, number> = {};
  for (const line of existsSync(ledger) ? linesOf(await readFile(ledger, 'utf8')) : []) {
    const { effect } = JSON.parse(line) as { readonly effect: Effects };
    for (const [kind, amount] of Object.entries(effect)) totals[kind] = (totals[kind] ?? 0) + amount;
  }
  return totals;
}

/** The decisions about tool calls that were recorded under this home, in order. */
export async function readDecisions(home: string): Promise<readonly AuditRecord[]> {
  const folder = join(home, 'events');
  const files = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort() : [];
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  const records = texts.flatMap(linesOf).map((line) => JSON.parse(line) as AuditRecord);
  return records.filter((record) => record.type === 'tool_call');
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** The harm in a sentence: "$2,500 refunded. 1 table dropped. …" */
export function sayHarm(effects: Effects, refundNote = ''): string {
  const count = (kind: string, one: string, many: string, done: string) => {
    const n = effects[kind] ?? 0;
    return `${n.toLocaleString('en-US')} ${n === 1 ? one : many} ${done}.`;
  };
  return [
    `${dollars(effects.refunded_cents ?? 0)} refunded${refundNote}.`,
    count('tables_dropped', 'table', 'tables', 'dropped'),
    count('repositories_deleted', 'repo', 'repos', 'deleted'),
    count('emails_sent', 'email', 'emails', 'sent'),
    count('instances_terminated', 'instance', 'instances', 'terminated'),
    count('pushes', 'push', 'pushes', 'made'),
  ].join(' ');
}
