/** Attacks over HTTP and through the bridge: every way in, every channel on which answers come back. */

import { type HttpSession, openLegacy, openStreamable } from '../harness/http-session.ts';
import { type Program, startListener, startProgram } from '../harness/program.ts';
import { startProxy } from '../harness/proxy.ts';
import type { Channel, RecorderConfig } from '../harness/recorder/config.ts';
import { type Recorder, setUpRecorder } from '../harness/recorder.ts';
import { type Attack, VERSION } from './attack.ts';
import { MAX_MESSAGE } from './cases/framing.ts';
import { overHttp } from './cases/http.ts';
import { openLedger } from './ledger.ts';
import { type Findings, mismatch, openRun, type Target, targetOf } from './run.ts';

/** How frames get in, and where the server's answers come from. */
export interface Way {
  readonly into: 'bridge' | 'post' | 'message';
  /** The server over HTTP, by the channel of its answers; else a child. */
  readonly server: Channel | 'child';
}

type Attacked = Target & AsyncDisposable;

const FLAGS = ['--max-message', `${MAX_MESSAGE}`];

/** Attacks one proxy with all of these: the session has to live on. */
export async function attackWay(
  way: Way,
  all: readonly Attack[],
  policy: string,
  config: Pick<RecorderConfig, 'reader'>,
): Promise<Findings> {
  const tools = [{ name: 'safe' }, { name: 'danger' }];
  await using recorder = await setUpRecorder({ ...config, tools, ...(way.server !== 'child' && { channel: way.server }) });
  await using upstream = way.server === 'child' ? undefined : await startProgram(recorder.httpCommand);
  const run = openRun(openLedger(recorder));
  const attacks = all.map((attack) => asForwarded(way.into === 'bridge' ? attack : overHttp(attack), way));
  {
    await using target = await open(way, policy, recorder, upstream, all[0]?.version ?? VERSION);
    await run.attack(target, attacks, {
      // The bridge posts requests beside each other.
      ordered: !(way.into === 'bridge' && upstream),
      mismatch: (attack, answers, entries) => {
        if (!isAstray(attack, way)) return mismatch(attack, answers, entries, tidy);
        return answers.length === 1 ? undefined : `${answers.length} answers, expected one`;
      },
    });
    if (!upstream) await run.end(target.call);
  }
  if (!upstream) return run.findings;
  // The proxy has ended: whatever it sent is at the server, and so is this.
  await using direct = await (way.server === 'legacy' ? openLegacy : openStreamable)(upstream.url, VERSION);
  await run.end((params) => direct.request('tools/call', params));
  return run.findings;
}

/** A server that says 202 to a request, against the protocol, and answers on the GET stream: an error may come first, and then alone. */
function isAstray({ expected }: Attack, { into, server }: Way): boolean {
  return into === 'post' && server === 'get' && expected.kind === 'passed';
}

/** A batch reaches an HTTP server in one array, and a child element by element. */
function asForwarded(attack: Attack, way: Way): Attack {
  const { expected } = attack;
  if (expected.kind !== 'batch' || way.server === 'child') return attack;
  return { ...attack, expected: { ...expected, forwarded: Math.min(expected.forwarded, 1) } };
}

/** The bridge writes line breaks between tokens as spaces, and an id that the session has seen is replaced. */
function tidy(text: string): string {
  return text
    .replaceAll(/[\r\n\t]/g, ' ')
    .replace(/"id":("[^"]*"|\d+)/, '"id":')
    .trim();
}

async function open(way: Way, policy: string, recorder: Recorder, upstream: Program | undefined, version: string): Promise<Attacked> {
  const flags = upstream ? ['--upstream', upstream.url, ...FLAGS] : FLAGS;
  const server = upstream ? undefined : recorder.command;
  if (way.into !== 'bridge') {
    const listener = await startListener({ policy, flags, server });
    const session = way.into === 'post' ? await openStreamable(listener.url, version) : await openLegacy(listener.url, version);
    return attackedOf(session, listener);
  }
  const proxy = await startProxy({ policy, server, flags });
  await proxy.client.initialize(version);
  return { ...targetOf(proxy), [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

function attackedOf(session: HttpSession, listener: AsyncDisposable): Attacked {
  return {
    frames: session.frames,
    send: (bytes) => session.post(bytes),
    call: (params) => session.request('tools/call', params),
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
      await listener[Symbol.asyncDispose]();
    },
  };
}
