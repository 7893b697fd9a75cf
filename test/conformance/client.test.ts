/**
 * The suite in client mode (wire.md §6): an SDK client does with the suite's servers the same straight, over stdio
 * through the bridge, and through the listener.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { NODE, ROOT } from '../harness/paths.ts';
import { ALLOW_ALL, setUpProxy } from '../harness/proxy.ts';
import { differences, type Found, type Leg, linesOf, runClientScenario, tally } from './suite.ts';

const TIMEOUT_MS = 120_000;
const CLIENT = `${NODE} ${join(ROOT, 'test/conformance/fixtures/client.ts')}`;

const [OLD, NEW] = ['2025-11-25', '2026-07-28'].map(
  (version): Leg => ({ name: version, release: 'conformance-next', flags: ['', '', '--spec-version', version] }),
) as [Leg, Leg];

const SCENARIOS: readonly (readonly [Leg, string])[] = [
  [OLD, 'initialize'],
  [OLD, 'tools_call'],
  [OLD, 'elicitation-sep1034-client-defaults'],
  [OLD, 'sse-retry'],
  [OLD, 'json-schema-2020-12-preservation'],
  [NEW, 'tools_call'],
  [NEW, 'request-metadata'],
  [NEW, 'sep-2322-client-request-state'],
  [NEW, 'http-standard-headers'],
  [NEW, 'http-custom-headers'],
  [NEW, 'http-invalid-tool-headers'],
  [NEW, 'json-schema-ref-no-deref'],
  [NEW, 'json-schema-2020-12-preservation'],
];

/** As shipped, a few once more: what differs there is the runtime. */
const isSource = (process.env.INTERCEPT_UNDER_TEST ?? 'source') === 'source';
const chosen = isSource
  ? SCENARIOS
  : SCENARIOS.filter(([, scenario]) => ['sse-retry', 'sep-2322-client-request-state', 'http-custom-headers'].includes(scenario));

/** An SDK client over stdio leaves it to its transport to keep tools with invalid headers out, and calls them all. */
const STDIO_CALLS_ALL = 'http-invalid-tool-headers';

const WAYS = { BRIDGE: ['--upstream'], LISTENER: ['--transport', 'http', '--upstream'] } as const;

/** Runs that are under way at once: they wait more than they work. */
const AT_ONCE = 3;

const rows: string[] = [];
afterAll(() => console.log(['conformance (client)', ...rows].join('\n  ')));

type Run = readonly [leg: Leg, scenario: string, way: keyof typeof WAYS | undefined];

async function run([leg, scenario, way]: Run): Promise<Found> {
  if (way === undefined) return runClientScenario(leg, scenario, CLIENT, {});
  const setup = await setUpProxy({ policy: ALLOW_ALL, flags: WAYS[way] });
  try {
    return await runClientScenario(leg, scenario, CLIENT, { INTERCEPT_HOME: setup.home, [way]: JSON.stringify(setup.command) });
  } finally {
    await setup.remove();
  }
}

const queue: (() => Promise<void>)[] = [];
let running = 0;

/** Starts a run as soon as fewer than `AT_ONCE` are under way. */
function enqueue(each: Run): Promise<Found> {
  const found = new Promise<Found>((resolve, reject) => void queue.push(() => run(each).then(resolve, reject)));
  found.catch(() => {});
  pump();
  return found;
}

function pump(): void {
  while (running < AT_ONCE && queue.length > 0) {
    running += 1;
    void queue
      .shift()?.()
      .finally(() => {
        running -= 1;
        pump();
      });
  }
}

const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];

/** The first runs of all scenarios, by their names and ways. */
const found = new Map<string, Promise<Found>>();
const keyOf = ([leg, scenario, way]: Run) => `${leg.name} ${scenario} ${way}`;
const waysOf = (scenario: string) => ways.filter((way) => way !== 'BRIDGE' || scenario !== STDIO_CALLS_ALL);

beforeAll(() => {
  const runs = chosen.flatMap(([leg, scenario]) => [undefined, ...waysOf(scenario)].map((way): Run => [leg, scenario, way]));
  for (const each of runs) found.set(keyOf(each), enqueue(each));
});

for (const [leg, scenario] of chosen) {
  describe(`${leg.name} ${scenario}`, () => {
    const straight = () => found.get(keyOf([leg, scenario, undefined])) as Promise<Found>;

    test('straight, the client passes', async () => expect(linesOf(await straight(), scenario)).not.toContain('FAILURE'), TIMEOUT_MS);

    test.each(waysOf(scenario))(
      'through the %s it does the same',
      async (way) => {
        const first = await found.get(keyOf([leg, scenario, way]));
        // The suite takes the time of some things: what a loaded machine made late is tried once more.
        const through = first && differences(await straight(), first).length === 0 ? first : await enqueue([leg, scenario, way]);
        rows.push(`${leg.name} ${scenario}, ${way.toLowerCase()}: ${tally(through)}; straight: ${tally(await straight())}`);
        expect(differences(await straight(), through).map((each) => linesOf(through, each))).toEqual([]);
      },
      TIMEOUT_MS,
    );
  });
}
