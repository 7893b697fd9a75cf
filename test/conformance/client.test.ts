/**
 * The suite in client mode (wire.md §6): an SDK client does with the suite's servers the same straight, over stdio
 * through the bridge, and through the listener.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { NODE, ROOT } from '../harness/paths.ts';
import { BUILT } from '../harness/program.ts';
import { ALLOW_ALL, setUpProxy } from '../harness/proxy.ts';
import { differences, type Found, type Leg, linesOf, runClientScenario, tally } from './suite.ts';

const TIMEOUT_MS = 60_000;
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

/** An SDK client over stdio leaves it to its transport to keep tools with invalid headers out, and calls them all. */
const STDIO_CALLS_ALL = 'http-invalid-tool-headers';

const WAYS = { BRIDGE: ['--upstream'], LISTENER: ['--transport', 'http', '--upstream'] } as const;

const rows: string[] = [];
afterAll(() => console.log(['conformance (client)', ...rows].join('\n  ')));

async function through(way: keyof typeof WAYS, leg: Leg, scenario: string): Promise<Found> {
  const setup = await setUpProxy({ policy: ALLOW_ALL, flags: WAYS[way] });
  try {
    return await runClientScenario(leg, scenario, CLIENT, { INTERCEPT_HOME: setup.home, [way]: JSON.stringify(setup.command) });
  } finally {
    await setup.remove();
  }
}

describe.each(SCENARIOS.map(([leg, scenario]) => [leg.name, scenario, leg] as const))('%s %s', (name, scenario, leg) => {
  let known: Promise<Found> | undefined;
  const direct = () => {
    known ??= runClientScenario(leg, scenario, CLIENT, {});
    return known;
  };

  test('straight, the client passes', async () => expect(linesOf(await direct(), scenario)).not.toContain('FAILURE'), TIMEOUT_MS);

  test.skipIf(!BUILT).each(Object.keys(WAYS) as (keyof typeof WAYS)[])(
    'through the %s it does the same',
    async (way) => {
      if (way === 'BRIDGE' && scenario === STDIO_CALLS_ALL) return;
      const [straight, found] = [await direct(), await through(way, leg, scenario)];
      rows.push(`${name} ${scenario}, ${way.toLowerCase()}: ${tally(found)}; straight: ${tally(straight)}`);
      expect(differences(straight, found).map((each) => linesOf(found, each))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
