/**
 * wire.md §6: the official conformance suite finds the same with and without Intercept in front, in both eras, check
 * by check; only DNS rebinding, which the bare server fails, passes.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { NODE, ROOT } from '../../harness/paths.ts';
import { type Program, startListener, startProgram } from '../../harness/program.ts';
import { ALLOW_ALL, type Setup, setUpProxy } from '../../harness/proxy.ts';
import { differences, type Found, LEGS, type Leg, linesOf, runServerSuite, tally } from './suite.ts';

const TIMEOUT_MS = 400_000;
const FIXTURE = [NODE, join(ROOT, 'test/e2e/conformance/fixtures/http.ts')];

/** The only scenario that may differ: it fails where nothing stands in front. */
const REBINDING = 'dns-rebinding-protection';

/**
 * Behind a bridge there is a hop over stdio, which has no streams: the listener answers in one body, so what the suite
 * says of the streams themselves is left out. It fails nothing there.
 */
const STREAMS: ReadonlySet<string> = new Set(['server-sse-polling', 'server-sse-multiple-streams']);

const opened: AsyncDisposable[] = [];
const rows: string[] = [];
let bare: Program;
let bridge: Setup;

beforeAll(async () => {
  bare = await startProgram(FIXTURE);
  bridge = await setUpProxy({ policy: ALLOW_ALL, flags: ['--upstream', bare.url] });
  opened.push(bare, { [Symbol.asyncDispose]: bridge.remove });
});
afterAll(async () => {
  for (const each of opened.reverse()) await each[Symbol.asyncDispose]();
  console.log(['conformance (server)', ...rows].join('\n  '));
});

/** What stands in front, and how it is started before the fixture. */
const PAIRS: Readonly<Record<string, () => Promise<Program>>> = {
  listener: () => startListener({ flags: ['--upstream', bare.url] }),
  'listener in front of a bridge': () => startListener({ server: bridge.command, env: { ...bridge.env } }),
};

/** Both runs, and the scenarios that still differ when they are run once more: the suite waits for some things by the clock. */
async function compare(leg: Leg, url: string, direct: Found): Promise<{ readonly through: Found; readonly differ: readonly string[] }> {
  const through = new Map(await runServerSuite(leg, url));
  for (const scenario of differences(direct, through)) {
    const again = (await runServerSuite(leg, url, scenario)).get(scenario);
    if (again) through.set(scenario, again);
  }
  return { through, differ: differences(direct, through) };
}

const known = new Map<Leg, Promise<Found>>();
function direct(leg: Leg): Promise<Found> {
  const found = known.get(leg) ?? runServerSuite(leg, bare.url);
  known.set(leg, found);
  return found;
}

/** As shipped, once more for the newest of each line: what differs there is the runtime. */
const legs =
  (process.env.INTERCEPT_UNDER_TEST ?? 'source') === 'source'
    ? LEGS
    : LEGS.filter(({ name }) => name !== '0.2 2025-06-18' && name !== '0.2 2025-11-25');

describe.each([...legs])('the suite $name', (leg) => {
  test(
    'finds nothing wrong with the fixture but DNS rebinding',
    async () => {
      const found = await direct(leg);
      rows.push(`${leg.name}, direct: ${found.size} scenarios, ${tally(found)}`);
      expect([...found].flatMap(([scenario, lines]) => lines.flatMap((line) => (line.startsWith('FAILURE') ? [scenario] : [])))).toEqual(
        found.has(REBINDING) ? [REBINDING] : [],
      );
    },
    TIMEOUT_MS,
  );

  test.each(Object.entries(PAIRS))(
    'finds the same through %s',
    async (name, start) => {
      await using front = await start();
      const bareFound = await direct(leg);
      const { through, differ } = await compare(leg, front.url, bareFound);
      rows.push(`${leg.name}, ${name}: ${through.size} scenarios, ${tally(through)}; differ: ${differ.join(', ') || 'none'}`);
      const changed = differ.filter((scenario) => scenario !== REBINDING && !(name !== 'listener' && STREAMS.has(scenario)));
      expect(changed.map((scenario) => `${scenario}\n${linesOf(through, scenario)}`)).toEqual([]);
      for (const scenario of differ) expect(linesOf(through, scenario)).not.toContain('FAILURE');
    },
    TIMEOUT_MS,
  );
});
