/** Attacks over HTTP and through the bridge: every way in, every channel on which answers come back. */

import { type HttpSession, openLegacy, openStreamable } from '../../harness/http-session.ts';
import { type Program, startListener, startProgram } from '../../harness/program.ts';
import { startProxy } from '../../harness/proxy.ts';
import type { Channel, RecorderConfig } from '../../harness/recorder/config.ts';
import { type Recorder, setUpRecorder } from '../../harness/recorder.ts';
import { type Attack, VERSION } from './attack.ts';
import { MAX_MESSAGE } from './cases/framing.ts';
import { overHttp } from './cases/http.ts';
import { openLedger } from './ledger.ts';
import { type Findings, mismatch, openRun, pause, type Target, targetOf } from './run.ts';
import type { OwnFiles, Scene } from './scene.ts';

/** How frames get in, and where the server's answers come from. */
export interface Way {
  readonly into: 'bridge' | 'post' | 'message';
  /** The server over HTTP, by the channel of its answers; else a child. */
  readonly server: Channel | 'child';
}

/** Each way in with each channel that answers it; the readers of the servers take turns. */
export const WAYS: readonly Way[] = [
  ...(['json', 'stream', 'get', 'resumed', 'legacy'] as const).map((server) => ({ into: 'bridge' as const, server })),
  ...(['json', 'stream', 'get', 'resumed', 'child'] as const).map((server) => ({ into: 'post' as const, server })),
  ...(['json', 'stream', 'child'] as const).map((server) => ({ into: 'message' as const, server })),
];
type Attacked = Target & OwnFiles & AsyncDisposable;

const FLAGS = ['--max-message', `${MAX_MESSAGE}`];

/** Attacks one proxy with all of a scene: the session has to live on. */
export async function attackWay(way: Way, scene: Scene, config: Pick<RecorderConfig, 'reader'>, version = VERSION): Promise<Findings> {
  await using recorder = await setUpRecorder({ ...config, ...scene.server, ...(way.server !== 'child' && { channel: way.server }) });
  await using upstream = way.server === 'child' ? undefined : await startProgram(recorder.httpCommand);
  const run = openRun(openLedger(recorder), scene);
  {
    await using target = await open(way, scene.policy, recorder, upstream, version);
    if (scene.paused) await pause(target.home);
    const tried = scene.attacks(target).filter((attack) => !(attack.needsList && isAstray(attack, way)));
    const attacks = tried.map((attack) => asForwarded(way.into === 'bridge' ? attack : overHttp(attack), way));
    await run.attack(target, attacks, {
      // The bridge posts requests beside each other.
      ordered: !(way.into === 'bridge' && upstream),
      mismatch: (attack, answers, entries) => {
        if (!isAstray(attack, way)) return mismatch(attack, answers, entries, tidy);
        return answers.length === 1 ? undefined : `${answers.length} answers, expected one`;
      },
    });
    if (!upstream) await run.end(target.request);
  }
  if (!upstream) return run.findings;
  // The proxy has ended: whatever it sent is at the server, and so is this.
  await using direct = await (way.server === 'legacy' ? openLegacy : openStreamable)(upstream.url, VERSION);
  await run.end(direct.request);
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
  return { ...targetOf(proxy), home: proxy.home, policyFile: proxy.policyFile, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

function attackedOf(session: HttpSession, listener: OwnFiles & AsyncDisposable): Attacked {
  return {
    home: listener.home,
    policyFile: listener.policyFile,
    frames: session.frames,
    send: (bytes) => session.post(bytes),
    request: session.request,
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
      await listener[Symbol.asyncDispose]();
    },
  };
}
