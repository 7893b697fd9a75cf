/** `npm run bench -- --http`: what the listener costs, against a bare fetch relay in the same runtime. */
import { callText, checkAnswer } from '../agent.ts';
import { median, quantile } from '../stats.ts';
import { HTTP_NAMES, type HttpBench, type HttpContestant, startAll } from './contestants.ts';
import { type Connection, listenOf, openConnection, openSession, postOf } from './load.ts';

const WIDTHS = [1, 32, 256] as const;
const WARM_UP = 3_000;
const SESSIONS = 1_000;
const LARGE_ANSWERS = 40;

/** µs and calls per second, at a number of connections. */
interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly rate: number;
}

type Round = Readonly<Record<string, Readonly<Record<number, Measured>>>>;

/** Memory in MiB: before, at the end of the first quarter and at the end; and what 10 MiB take, ms. */
interface Memory {
  readonly sessions: number;
  readonly large: readonly [quarter: number, end: number];
  readonly largeMs: number;
}

export interface HttpResult {
  readonly rounds: readonly Round[];
  readonly memory: Readonly<Record<string, Memory>>;
}

interface Client {
  readonly connection: Connection;
  readonly session: string;
}

/** Runs everything, prints the table, returns the raw data. */
export async function benchHttp(bench: HttpBench): Promise<HttpResult> {
  const contestants = await startAll(bench);
  try {
    const rounds: Round[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      process.stderr.write(`round ${round + 1} of ${bench.rounds}\n`);
      rounds.push(await measureRound(rotate(contestants, round), bench.calls, round === 0));
    }
    const memory: Record<string, Memory> = {};
    for (const contestant of contestants) memory[contestant.name] = await measureMemory(contestant);
    process.stdout.write(render(rounds, memory));
    return { rounds, memory };
  } finally {
    for (const contestant of contestants) await contestant.close();
  }
}

/** All take turns at each number of connections; each turn is a fresh set of connections and sessions. */
async function measureRound(contestants: readonly HttpContestant[], calls: number, isFirst: boolean): Promise<Round> {
  const found: Record<string, Record<number, Measured>> = {};
  for (const width of WIDTHS) {
    for (const contestant of contestants) {
      const clients = await Promise.all(Array.from({ length: width }, () => openClient(contestant.url)));
      await callMany(contestant, clients, isFirst ? WARM_UP : WARM_UP / 10);
      found[contestant.name] = { ...found[contestant.name], [width]: await callMany(contestant, clients, calls) };
      for (const { connection } of clients) connection.close();
    }
  }
  return found;
}

async function openClient(url: string): Promise<Client> {
  const connection = await openConnection(url);
  return { connection, session: await openSession(connection, url) };
}

/** Each client calls as soon as it was answered, until all together have called so often. */
async function callMany(contestant: HttpContestant, clients: readonly Client[], calls: number): Promise<Measured> {
  const times: number[] = [];
  let id = 10;
  const began = performance.now();
  await Promise.all(
    clients.map(async ({ connection, session }) => {
      while (id - 10 < calls) {
        const request = postOf(contestant.url, callText(++id), session);
        const from = performance.now();
        const { body } = await connection.ask(request);
        times.push((performance.now() - from) * 1_000);
        checkAnswer(contestant.name, body);
      }
    }),
  );
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), rate: (times.length / (performance.now() - began)) * 1_000 };
}

async function measureMemory(contestant: HttpContestant): Promise<Memory> {
  // Before the large answers, of which a runtime gives back what it likes.
  const sessions = await measureSessions(contestant);
  const { connection, session } = await openClient(contestant.url);
  const times: number[] = [];
  const after: number[] = [];
  for (let id = 1; id <= LARGE_ANSWERS; id++) {
    const from = performance.now();
    const { body } = await connection.ask(
      postOf(contestant.url, `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"export"}}`, session),
    );
    times.push(performance.now() - from);
    if (body.length < 10_000_000)
      throw new Error(`${contestant.name} answered with ${body.length} bytes: ${body.toString('utf8', 0, 300)}`);
    after.push(contestant.memory());
  }
  connection.close();
  return { sessions, large: [after[LARGE_ANSWERS / 4] ?? 0, after.at(-1) ?? 0], largeMs: median(times) };
}

async function measureSessions(contestant: HttpContestant): Promise<number> {
  const clients: Client[] = [];
  for (let i = 0; i < SESSIONS; i++) clients.push(await openClient(contestant.url));
  const streams = await Promise.all(clients.map(() => openConnection(contestant.url)));
  streams.forEach((stream, i) => void stream.ask(listenOf(contestant.url, clients[i]?.session ?? '')).catch(() => {}));
  for (const client of clients) await client.connection.ask(postOf(contestant.url, callText(7), client.session));
  const sessions = contestant.memory();
  for (const stream of streams) stream.close();
  for (const client of clients) client.connection.close();
  return sessions;
}

function render(rounds: readonly Round[], memory: Readonly<Record<string, Memory>>): string {
  const lines: string[] = [];
  for (const width of WIDTHS) {
    lines.push(`\n${width} connection${width > 1 ? 's' : ''}:  p50 µs   p99 µs   calls/s   × relay's rate`);
    for (const name of Object.values(HTTP_NAMES)) {
      const value = (f: (own: Measured, relay: Measured) => number) =>
        median(rounds.map((round) => f(at(round, name, width), at(round, HTTP_NAMES.relay, width))));
      const cells = [value((own) => own.p50), value((own) => own.p99), value((own) => own.rate)].map((n) => n.toFixed(0).padStart(8));
      lines.push(`${name.padEnd(24)} ${cells.join(' ')}   ${value((own, relay) => own.rate / relay.rate).toFixed(2)}`);
    }
  }
  lines.push('\n10 MiB answers: ms, RSS MiB after 10 and 40; RSS MiB with 1,000 sessions and their streams');
  for (const [name, { sessions, large, largeMs }] of Object.entries(memory))
    lines.push(
      `${name.padEnd(24)} ${largeMs.toFixed(0).padStart(5)} ms  ${large.map((n) => n.toFixed(0)).join(' → ')}   ${sessions.toFixed(0)}`,
    );
  return `${lines.join('\n')}\n`;
}

function at(round: Round, name: string, width: number): Measured {
  const measured = round[name]?.[width];
  if (!measured) throw new Error(`no measurement of ${name} at ${width}`);
  return measured;
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const from = by % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}
