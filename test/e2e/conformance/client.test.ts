/**
 * The suite in client mode (wire.md §6): an SDK client does with the suite's servers the same straight, over stdio
 * through the bridge, and through the listener.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { NODE, ROOT } from '../../harness/paths.ts';
import { ALLOW_ALL, setUpProxy } from '../../harness/proxy.ts';
import { differences, type Found, type Leg, linesOf, runClientScenario, tally } from './suite.ts';

const TIMEOUT_MS = 120_000;
const CLIENT = `${NODE} ${join(ROOT, 'test/e2e/conformance/fixtures/client.ts')}`;

const [OLDEST, OLD, NEW] = ['2025-03-26', '2025-11-25', '2026-07-28'].map(
  (version): Leg => ({ name: version, release: 'conformance-next', flags: ['', '', '--spec-version', version] }),
) as [Leg, Leg, Leg];

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

/** Logging in, which is a client's own business over HTTP; over stdio the operator does it (docs/transports.md). */
const AUTH: readonly (readonly [Leg, string])[] = [
  ...[
    ...['metadata-default', 'metadata-var1', 'metadata-var2', 'metadata-var3', 'basic-cimd', 'pre-registration', 'scope-step-up'],
    ...['scope-from-www-authenticate', 'scope-from-scopes-supported', 'scope-omitted-when-undefined', 'scope-retry-limit'],
    ...['token-endpoint-auth-basic', 'token-endpoint-auth-post', 'token-endpoint-auth-none'],
  ].map((name) => [OLD, `auth/${name}`] as const),
  ...[
    ...['metadata-default', 'resource-mismatch', 'offline-access-scope', 'offline-access-not-supported', 'authorization-server-migration'],
    ...['iss-supported', 'iss-not-advertised', 'iss-supported-missing', 'iss-wrong-issuer', 'iss-unexpected', 'iss-normalized'],
    'metadata-issuer-mismatch',
  ].map((name) => [NEW, `auth/${name}`] as const),
  ...['oauth-metadata-backcompat', 'oauth-endpoint-fallback'].map((name) => [OLDEST, `auth/2025-03-26-${name}`] as const),
];

/**
 * wire.md §5: the resource is named as the client reaches it. The suite's servers compare it with their own name, where
 * they look at it at all: that check, and no other, ends otherwise.
 */
const OTHER_RESOURCE = 'resource-parameter-matches-prm';

/** As shipped, a few once more: what differs there is the runtime. */
const isSource = (process.env.INTERCEPT_UNDER_TEST ?? 'source') === 'source';
const chosen = isSource
  ? [...SCENARIOS, ...AUTH]
  : [...SCENARIOS, ...AUTH].filter(([, scenario]) =>
      ['auth/metadata-default', 'sse-retry', 'sep-2322-client-request-state', 'http-custom-headers'].includes(scenario),
    );

/** An SDK client over stdio leaves it to its transport to keep tools with invalid headers out, and calls them all. */
const STDIO_CALLS_ALL = 'http-invalid-tool-headers';

const WAYS = { BRIDGE: ['--upstream'], LISTENER: ['--transport', 'http', '--upstream'] } as const;

/** Runs that are under way at once: they wait more than they work. */
const AT_ONCE = 3;

const rows: string[] = [];
afterAll(() => console.log(['conformance (client)', ...rows].join('\n  ')));

function isSameButResource(straight: Found, through: Found, scenario: string): boolean {
  const found = (of: Found) => linesOf(of, scenario).replace(new RegExp(`^\\w+ (?=${OTHER_RESOURCE} )`, 'gm'), '');
  const others = differences(straight, through).filter((each) => each !== scenario);
  return others.length === 0 && found(straight) === found(through);
}

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
const waysOf = (scenario: string) =>
  ways.filter((way) => way !== 'BRIDGE' || (scenario !== STDIO_CALLS_ALL && !scenario.startsWith('auth/')));

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
        const asked = await straight();
        const isSame = first && isSameButResource(asked, first, scenario);
        const through = isSame ? first : await enqueue([leg, scenario, way]);
        rows.push(`${leg.name} ${scenario}, ${way.toLowerCase()}: ${tally(through)}; straight: ${tally(asked)}`);
        expect(isSameButResource(asked, through, scenario) ? 'the same' : linesOf(through, scenario)).toBe('the same');
      },
      TIMEOUT_MS,
    );
  });
}
