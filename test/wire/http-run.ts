/** Attacks over HTTP and through the bridge: every way in, every channel on which answers come back. */

import type { Frame } from '../harness/client.ts';
import { type HttpSession, openLegacy, openStreamable } from '../harness/http-session.ts';
import { type Program, startListener, startProgram } from '../harness/program.ts';
import { startProxy } from '../harness/proxy.ts';
import type { Channel, RecorderConfig } from '../harness/recorder/config.ts';
import { type Recorder, setUpRecorder } from '../harness/recorder.ts';
import { type Attack, VERSION } from './attack.ts';
import { MAX_MESSAGE } from './cases/framing.ts';
import { overHttp } from './cases/http.ts';
import { FENCE, type Findings, isForbidden, mismatch, readNew } from './run.ts';

/** How frames get in, and where the server's answers come from. */
export interface Way {
  readonly into: 'bridge' | 'post' | 'message';
  /** The server over HTTP, by the channel of its answers; else a child. */
  readonly server: Channel | 'child';
}

interface Attacked extends AsyncDisposable {
  readonly frames: readonly Frame[];
  send(bytes: string | Uint8Array): Promise<unknown>;
  fence(): Promise<unknown>;
}

const FLAGS = ['--max-message', `${MAX_MESSAGE}`];

/** Attacks one proxy with all of these, a harmless call behind each: the session has to live on. */
export async function attackWay(
  way: Way,
  all: readonly Attack[],
  policy: string,
  config: Pick<RecorderConfig, 'reader'>,
): Promise<Findings> {
  const tools = [{ name: 'safe' }, { name: 'danger' }];
  await using recorder = await setUpRecorder({ ...config, tools, ...(way.server !== 'child' && { channel: way.server }) });
  await using upstream = way.server === 'child' ? undefined : await startProgram(recorder.httpCommand);
  await using target = await open(way, policy, recorder, upstream, all[0]?.version ?? VERSION);
  await target.fence();
  const ledger = readNew(recorder);
  const [bypasses, failures]: [string[], string[]] = [[], []];
  for (const each of all) {
    const attack = asForwarded(way.into === 'bridge' ? each : overHttp(each), way);
    const name = `${attack.point}: ${attack.name}`;
    ledger();
    const before = target.frames.length;
    await target.send(attack.bytes);
    await target.fence();
    const entries = ledger();
    bypasses.push(...entries.filter(isForbidden).map((entry) => `${name}: executed ${JSON.stringify(entry)}`));
    const answers = target.frames.slice(before).filter(({ json }) => !isFence(json?.id) && !(json?.method !== undefined));
    const why = isAstray(attack, way)
      ? answers.length === 1
        ? undefined
        : `${answers.length} answers, expected one`
      : mismatch(attack, answers, entries, tidy);
    if (why !== undefined)
      failures.push(`${name}: ${why}; answered ${answers.map(({ text }) => text.slice(0, 300)).join(' ') || 'nothing'}`);
  }
  return { bypasses, failures };
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

/** The harness numbers its own requests so. */
function isFence(id: unknown): boolean {
  return typeof id === 'string' && /^h\d+$/.test(id);
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
  return {
    frames: proxy.client.frames,
    send: async (bytes) => {
      proxy.client.send(bytes);
      proxy.client.send('\n');
    },
    fence: () => proxy.client.request('tools/call', FENCE),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

function attackedOf(session: HttpSession, listener: AsyncDisposable): Attacked {
  return {
    frames: session.frames,
    send: (bytes) => session.post(bytes),
    fence: () => session.request('tools/call', FENCE),
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
      await listener[Symbol.asyncDispose]();
    },
  };
}
