/** One proxy in front of one recording server, attacked with one frame after the other. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from '../harness/client.ts';
import { decisionOf } from '../harness/message.ts';
import { type Proxy as Started, startProxy, startServer } from '../harness/proxy.ts';
import type { Entry, RecorderConfig } from '../harness/recorder/config.ts';
import { type Recorder, setUpRecorder } from '../harness/recorder.ts';
import { type Attack, VERSION } from './attack.ts';
import { MAX_MESSAGE } from './cases/framing.ts';

/** What a run over all attacks found. */
export interface Findings {
  /** Calls that the server executed although the policy denies them. */
  readonly bypasses: readonly string[];
  /** Attacks that did not become what was expected of them. */
  readonly failures: readonly string[];
}

/** The harmless call that follows an attack. */
export const FENCE = { name: 'safe', arguments: { amount: 1, fence: true } };

/** Attacks one proxy with all of these, a harmless call behind each: the session has to live on. */
export async function attackAll(
  all: readonly Attack[],
  policy: string,
  config: Pick<RecorderConfig, 'reader' | 'framing'>,
): Promise<Findings> {
  await using recorder = await setUpRecorder({ ...config, tools: [{ name: 'safe' }, { name: 'danger' }] });
  await using proxy = await startProxy({ policy, server: recorder.command, flags: ['--max-message', `${MAX_MESSAGE}`] });
  await proxy.client.initialize(all[0]?.version ?? VERSION);
  await proxy.client.request('tools/call', FENCE);
  const ledger = readNew(recorder);
  const [bypasses, failures, reasons]: [string[], string[], string[]] = [[], [], []];
  for (const attack of all) {
    const name = `${attack.point}: ${attack.name}`;
    ledger();
    const answers = await attackOnce(attack, proxy);
    const entries = ledger();
    bypasses.push(...entries.filter(isForbidden).map((entry) => `${name}: executed ${JSON.stringify(entry)}`));
    const why = mismatch(attack, answers, entries);
    if (why !== undefined)
      failures.push(`${name}: ${why}; answered ${answers.map(({ text }) => text.slice(0, 300)).join(' ') || 'nothing'}`);
    reasons.push(...reasonsOf(attack));
  }
  // Each was recorded before it was answered.
  const recorded = (await proxy.records()).filter(isRefused).map(({ reason }) => String(reason));
  const at = recorded.findIndex((reason, index) => reason !== reasons[index]);
  if (recorded.length !== reasons.length) failures.push(`${recorded.length} refusals are recorded, expected ${reasons.length}`);
  if (at >= 0) failures.push(`refusal ${at} is recorded as ${recorded.slice(at, at + 3)}, expected ${reasons.slice(at, at + 3)}`);
  return { bypasses, failures };
}

/** How many of these make the server do what the policy denies where no proxy stands before it. */
export async function attackServer(all: readonly Attack[], config: Pick<RecorderConfig, 'reader' | 'framing'>): Promise<number> {
  await using recorder = await setUpRecorder({ ...config, tools: [{ name: 'safe' }, { name: 'danger' }] });
  await using client = startServer(recorder.command);
  await client.initialize();
  const ledger = readNew(recorder);
  let successes = 0;
  for (const attack of all) {
    await attackOnce(attack, { client });
    if (ledger().some(isForbidden)) successes += 1;
  }
  return successes;
}

/** Sends the bytes and then a harmless call; what was answered before that call's answer belongs to the attack. */
async function attackOnce({ bytes }: Attack, { client }: Pick<Started, 'client'>): Promise<readonly Frame[]> {
  const before = client.frames.length;
  client.send(bytes);
  client.send('\n');
  await client.request('tools/call', FENCE);
  return client.frames.slice(before, -1);
}

/** Whether the policy denies what the server did. */
export function isForbidden(entry: Entry): boolean {
  if (entry.type !== 'executed') return false;
  const amount = (entry.arguments as { readonly amount?: unknown } | undefined)?.amount;
  return entry.tool !== 'safe' || !(typeof amount === 'number' && amount <= 10);
}

function isRefused(record: { readonly type: string }): boolean {
  return record.type === 'refused';
}

function reasonsOf({ expected }: Attack): readonly string[] {
  if (expected.kind === 'batch') return expected.reasons;
  return 'reason' in expected && expected.reason !== undefined ? [expected.reason] : [];
}

/** What is not as expected; undefined where all is. `tidy` makes of a text what may arrive of it. */
export function mismatch(
  { bytes, expected }: Attack,
  answers: readonly Frame[],
  entries: readonly Entry[],
  tidy: (text: string) => string = (text) => text,
): string | undefined {
  const received = entries.flatMap((entry) => (entry.type === 'received' && !entry.line.includes('"fence":true') ? [entry.line] : []));
  if (expected.kind === 'either') return undefined;
  const forwards = expected.kind === 'batch' ? expected.forwarded : expected.kind === 'passed' || expected.kind === 'forwarded' ? 1 : 0;
  if (received.length !== forwards) return `${received.length} frames reached the server, expected ${forwards}`;
  if (expected.kind !== 'batch' && forwards === 1 && tidy(received[0] ?? '') !== tidy(String(bytes)))
    return `the server received ${received[0]}`;
  if (expected.kind === 'nothing' || expected.kind === 'forwarded') return answers.length === 0 ? undefined : 'expected no answer';
  if (answers.length !== 1) return `${answers.length} answers, expected one`;
  const answer = answers[0]?.json;
  if (!answer) return 'the answer is no JSON';
  if (expected.kind === 'batch') return batchMismatch(answer, expected.ids);
  if (JSON.stringify(answer.id) !== idText(expected.id)) return `the answer is for ${JSON.stringify(answer.id)}, expected ${expected.id}`;
  if (expected.kind === 'refused') return answer.error?.code === expected.code ? undefined : `expected error ${expected.code}`;
  const outcome = decisionOf(answer)?.outcome;
  if (expected.kind === 'denied') return answer.result?.isError === true && outcome === 'denied' ? undefined : 'expected a denial';
  return outcome === undefined && answer.result && !answer.result.isError ? undefined : 'expected an answer of the server';
}

/** Ids that no double holds are compared as this test's own JSON reader sees them. */
function idText(id: string): string {
  return JSON.stringify(JSON.parse(id));
}

function batchMismatch(answer: unknown, ids: readonly string[]): string | undefined {
  // A text that is refused as a whole is answered once.
  const answers = Array.isArray(answer) ? answer : [answer];
  const found = answers.map(({ id }) => JSON.stringify(id)).sort();
  return found.join() === [...ids].sort().join() ? undefined : `answers for ${found}, expected ${ids}`;
}

/** Each call reads what the server has logged since the last. */
export function readNew(recorder: Recorder): () => Entry[] {
  const file = join(recorder.folder, 'ledger.jsonl');
  let offset = 0;
  return () => {
    const bytes = Buffer.alloc(statSync(file).size - offset);
    const fd = openSync(file, 'r');
    offset += readSync(fd, bytes, 0, bytes.length, offset);
    closeSync(fd);
    return bytes
      .toString('utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Entry);
  };
}
