import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEventReader } from '../../src/audit/evidence/merge.ts';
import type { StoredRecord } from '../../src/audit/evidence/read.ts';
import { openKeyedHash } from '../../src/audit/key.ts';
import { openFileSink } from '../../src/audit/sinks/file.ts';
import type { AuditSink, CallEvent } from '../../src/core/audit.ts';
import type { Json, JsonObject } from '../../src/core/json.ts';

/** A JavaScript value as the scanner would have read it. */
export function asJson(value: unknown): Json {
  if (typeof value === 'number') return { number: JSON.stringify(value) };
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value === 'object' && value !== null) return new Map(Object.entries(value).map(([name, member]) => [name, asJson(member)]));
  return value as Json;
}

/** A call with these arguments, spelled as JSON.stringify does. */
export function callOf(args: Record<string, unknown>, more: Partial<CallEvent> = {}): CallEvent {
  return {
    type: 'tool_call',
    call: 'c1',
    tool: 'create_refund',
    result: 'allowed',
    args: asJson(args) as JsonObject,
    argsText: JSON.stringify(args),
    durationUs: 42,
    ...more,
  };
}

export const NOON = Date.UTC(2026, 2, 1, 12);

export interface SinkInFolder {
  readonly dir: string;
  readonly sink: AuditSink;
  files(): string[];
  lines(): string[];
  records(): Record<string, unknown>[];
}

/** Runs a test with a file sink in a folder of its own. */
export async function withSink(
  test: (place: SinkInFolder) => void | Promise<void>,
  args: 'redacted' | 'full' | 'hash' = 'redacted',
): Promise<void> {
  await withFolder(async (home) => {
    const dir = join(home, 'events');
    const sink = openFileSink({ dir, instance: 'i1', clock: () => NOON, keyedHash: openKeyedHash(new Uint8Array(32)), args });
    const files = () => fs.readdirSync(dir).sort();
    const lines = () => files().flatMap((file) => fs.readFileSync(join(dir, file), 'utf8').split('\n').slice(0, -1));
    try {
      await test({ dir, sink, files, lines, records: () => lines().map((line) => JSON.parse(line)) });
    } finally {
      sink.close();
    }
  });
}

/** Runs a test with an empty folder, and removes it. */
export async function withFolder(test: (dir: string) => void | Promise<void>): Promise<void> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'intercept-audit-'));
  try {
    await test(dir);
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** All records of a folder, in order of time. */
export async function readEvents(dir: string, since?: number): Promise<StoredRecord[]> {
  const seen: StoredRecord[] = [];
  for await (const { record } of openEventReader(dir, { since }).next()) seen.push(record);
  return seen;
}
