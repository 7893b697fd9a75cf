/**
 * A proxy in front of a recording server, attacked with one frame after the other. A numbered harmless call (a fence)
 * follows each attack. A case ends when the server's own ledger shows that it executed this fence, and what the attack
 * should lead to is there; where frames may overtake each other, a second fence follows. Once the proxy has ended, and
 * the server executed a last fence that came directly, the whole ledger is looked at again: absence is proven by it.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Frame } from '../../harness/client.ts';
import { decisionOf } from '../../harness/message.ts';
import { interceptCommand } from '../../harness/paths.ts';
import { type Proxy as Started, startProxy, startServer } from '../../harness/proxy.ts';
import type { Entry, RecorderConfig } from '../../harness/recorder/config.ts';
import { setUpRecorder } from '../../harness/recorder.ts';
import { until } from '../../harness/wait.ts';
import { type Attack, NOT_COMPARED, VERSION } from './attack.ts';
import { MAX_MESSAGE } from './cases/framing.ts';
import { fence, isFence, type Ledger, openLedger, pingFence } from './ledger.ts';
import { isForbidden, type Scene } from './scene.ts';

/** What a run over all attacks found. */
export interface Findings {
  /** Calls that the server executed although the policy denies them. */
  readonly bypasses: string[];
  /** Attacks that did not become what was expected of them. */
  readonly failures: string[];
  /** Attacks that were sent. */
  tried: number;
  /** Fences that the server executed. */
  fences: number;
}

/** What is attacked. */
export interface Target {
  readonly frames: readonly Frame[];
  send(bytes: string | Uint8Array): Promise<unknown>;
  /** Sends a request; resolves once somebody answered it. */
  request(method: string, params: object): Promise<unknown>;
}

/** How a case is judged. */
export interface Manner {
  /** Frames arrive at the server in the order in which they were sent. */
  readonly ordered: boolean;
  mismatch(attack: Attack, answers: readonly Frame[], entries: readonly Entry[]): string | undefined;
}

/** So many cases in which something was awaited in vain end a run: each takes as long as a test waits for anything. */
const MAX_VAIN = 2;

/** What a client of ours says that comes directly. */
const HANDSHAKE = /"method":"(?:initialize|notifications\/initialized)"/;

/** A run over cases: fences are numbered through all of it. */
export function openRun(
  ledger: Ledger,
  { isForbidden, paused }: Pick<Scene, 'isForbidden' | 'paused'>,
): {
  readonly findings: Findings;
  attack(target: Target, all: readonly Attack[], manner: Manner): Promise<void>;
  /** Looks at what came after the last case: `last` sends a harmless call that nothing can overtake. */
  end(request: Target['request']): Promise<void>;
} {
  const findings: Findings = { bypasses: [], failures: [], tried: 0, fences: 0 };
  let number = 0;
  const pass = async (request: Target['request']) => {
    number += 1;
    await (paused ? request('ping', pingFence(number)) : request('tools/call', fence(number)));
    await ledger.untilFence(number);
    findings.fences += 1;
  };
  const judgeLate = () => {
    const late = ledger.take().filter((entry) => !isFence(entry) && !HANDSHAKE.test(entry.line));
    findings.bypasses.push(...late.filter(isForbidden).map((entry) => `executed late: ${JSON.stringify(entry)}`));
    findings.failures.push(...late.map((entry) => `reached the server when its case was over: ${JSON.stringify(entry).slice(0, 300)}`));
  };
  return {
    findings,
    attack: async (target, all, manner) => {
      // As clients do. A server that answers on streams to be resumed is not asked by the proxy itself.
      await target.request('tools/list', {});
      await pass(target.request);
      ledger.take();
      let vain = 0;
      for (const attack of all) {
        const before = target.frames.length;
        const answers = () => target.frames.slice(before).filter(isAnswerToAttack);
        await target.send(attack.bytes);
        findings.tried += 1;
        await pass(target.request);
        const whole = await waitFor(attack, answers, ledger);
        if (!manner.ordered) await pass(target.request);
        const entries = ledger.take();
        const name = `${attack.point}: ${attack.name}`;
        findings.bypasses.push(...entries.filter(isForbidden).map((entry) => `${name}: executed ${JSON.stringify(entry)}`));
        const why = manner.mismatch(attack, answers(), entries);
        if (why !== undefined)
          findings.failures.push(
            `${name}: ${why}; answered ${
              answers()
                .map(({ text }) => text.slice(0, 300))
                .join(' ') || 'nothing'
            }`,
          );
        if (!whole) vain += 1;
        if (vain >= MAX_VAIN) {
          findings.failures.push('given up: the other cases were not tried');
          return;
        }
      }
    },
    end: async (request) => {
      await pass(request);
      judgeLate();
    },
  };
}

/** Waits for the answer and the forwarded frame that the attack should lead to; whether both came. */
function waitFor(attack: Attack, answers: () => readonly Frame[], ledger: Ledger): Promise<boolean> {
  const wait = async () => {
    await ledger.untilEntries('the forwarded frame', (entries) => receivedOf(entries).length >= forwardsOf(attack));
    await until('the answer', () => answers().length >= answersTo(attack) || undefined);
    return true;
  };
  return wait().catch(() => false);
}

/** Attacks one proxy over stdio with all of a scene: the session has to live on. */
export async function attackAll(scene: Scene, config: Pick<RecorderConfig, 'reader' | 'framing'>, version?: string): Promise<Findings> {
  await using recorder = await setUpRecorder({ ...config, ...scene.server });
  await using proxy = await startProxy({ policy: scene.policy, server: recorder.command, flags: ['--max-message', `${MAX_MESSAGE}`] });
  await proxy.client.initialize(version ?? VERSION);
  if (scene.paused) await pause(proxy.home);
  const run = openRun(openLedger(recorder), scene);
  const all = scene.attacks(proxy);
  await run.attack(targetOf(proxy), all, { ordered: true, mismatch });
  await run.end(proxy.client.request);
  run.findings.failures.push(...misrecorded(all, await proxy.records()));
  return run.findings;
}

/** Each refusal was recorded before it was answered, with its reason where the attack names one. */
function misrecorded(all: readonly Attack[], records: readonly { readonly type: string; readonly reason?: unknown }[]): readonly string[] {
  const reasons = all.flatMap(reasonsOf);
  if (reasons.length === 0) return [];
  const recorded = records.filter(({ type }) => type === 'refused').map(({ reason }) => String(reason));
  const at = recorded.findIndex((reason, index) => reason !== reasons[index]);
  return [
    ...(recorded.length === reasons.length ? [] : [`${recorded.length} refusals are recorded, expected ${reasons.length}`]),
    ...(at < 0 ? [] : [`refusal ${at} is recorded as ${recorded.slice(at, at + 3)}, expected ${reasons.slice(at, at + 3)}`]),
  ];
}

/** Pauses all policies that share this home, and waits until each process has confirmed it. */
export async function pause(home: string): Promise<void> {
  const [command = '', ...args] = interceptCommand();
  await promisify(execFile)(command, [...args, 'pause', '--reason', 'an attack'], { env: { ...process.env, INTERCEPT_HOME: home } });
}

/** The stdio side of a proxy. */
export function targetOf({ client }: Pick<Started, 'client'>): Target {
  return {
    frames: client.frames,
    send: async (bytes) => {
      client.send(bytes);
      client.send('\n');
    },
    request: client.request,
  };
}

/** How many of these make the server do what the policy denies where no proxy stands before it. */
export async function attackServer(all: readonly Attack[], config: Pick<RecorderConfig, 'reader' | 'framing'>): Promise<number> {
  await using recorder = await setUpRecorder({ ...config, tools: [{ name: 'safe' }, { name: 'danger' }] });
  await using client = startServer(recorder.command);
  await client.initialize();
  const ledger = openLedger(recorder);
  const target = targetOf({ client });
  let successes = 0;
  for (const [number, { bytes }] of all.entries()) {
    ledger.take();
    await target.send(bytes);
    await target.request('tools/call', fence(number));
    await ledger.untilFence(number);
    if (ledger.take().some(isForbidden)) successes += 1;
  }
  return successes;
}

/** Requests of the server, and answers to the harness's own requests (it numbers them so), belong to no attack. */
function isAnswerToAttack({ json }: Frame): boolean {
  return json?.method === undefined && !(typeof json?.id === 'string' && /^h\d+$/.test(json.id));
}

function reasonsOf({ expected }: Attack): readonly string[] {
  if (expected.kind === 'batch') return expected.reasons;
  return 'reason' in expected && expected.reason !== undefined && expected.reason !== NOT_COMPARED ? [expected.reason] : [];
}

/** What reached the server of an attack: fences do not count, nor does the list that the proxy itself asks for. */
function receivedOf(entries: readonly Entry[]): readonly string[] {
  const isOurs = (entry: Entry) => isFence(entry) || entry.line.includes('"method":"tools/list"');
  return entries.flatMap((entry) => (entry.type === 'received' && !isOurs(entry) ? [entry.line] : []));
}

function forwardsOf({ expected }: Attack): number {
  if (expected.kind === 'batch') return expected.forwarded;
  return expected.kind === 'passed' || expected.kind === 'forwarded' ? 1 : 0;
}

function answersTo({ expected: { kind } }: Attack): number {
  return kind === 'either' || kind === 'nothing' || kind === 'forwarded' ? 0 : 1;
}

/** What is not as expected; undefined where all is. `tidy` makes of a text what may arrive of it. */
export function mismatch(
  attack: Attack,
  answers: readonly Frame[],
  entries: readonly Entry[],
  tidy: (text: string) => string = (text) => text,
): string | undefined {
  const { bytes, expected } = attack;
  if (expected.kind === 'either') return undefined;
  const [received, forwards] = [receivedOf(entries), forwardsOf(attack)];
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
