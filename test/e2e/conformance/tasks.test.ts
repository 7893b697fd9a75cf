/**
 * wire.md §6: the suite's scenarios of the tasks extension find the same with and without Intercept in front, check by
 * check. `tasks-status-notifications` checks nothing yet: the suite itself skips it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { NODE, ROOT } from '../../harness/paths.ts';
import { type Program, startListener, startProgram } from '../../harness/program.ts';
import { ALLOW_ALL, setUpProxy } from '../../harness/proxy.ts';
import { differences, type Leg, linesOf, runServerSuite, tally } from './suite.ts';

const TIMEOUT_MS = 120_000;
const LEG: Leg = { name: 'tasks', release: 'conformance-next', flags: [] };

const SCENARIOS = [
  ...['tasks-lifecycle', 'tasks-capability-negotiation', 'tasks-wire-fields', 'tasks-request-state-removal', 'tasks-mrtr-input'],
  ...['tasks-request-headers', 'tasks-dispatch-and-envelope', 'tasks-required-task-error', 'tasks-mrtr-composition'],
];

const opened: AsyncDisposable[] = [];
const rows: string[] = [];
const fronts: Record<string, string> = {};
let bare: Program;

beforeAll(async () => {
  bare = await startProgram([NODE, join(ROOT, 'test/e2e/conformance/fixtures/tasks.ts')]);
  const bridge = await setUpProxy({ policy: ALLOW_ALL, flags: ['--upstream', bare.url] });
  const listener = await startListener({ flags: ['--upstream', bare.url] });
  const behind = await startListener({ server: bridge.command, env: { ...bridge.env } });
  Object.assign(fronts, { listener: listener.url, 'listener in front of a bridge': behind.url });
  opened.push(bare, { [Symbol.asyncDispose]: bridge.remove }, listener, behind);
}, TIMEOUT_MS);
afterAll(async () => {
  for (const each of opened.reverse()) await each[Symbol.asyncDispose]();
  console.log(['conformance (tasks)', ...rows].join('\n  '));
});

describe.each(SCENARIOS)('%s', (scenario) => {
  test(
    'finds nothing wrong with the fixture, and the same with Intercept in front',
    async () => {
      const straight = await runServerSuite(LEG, bare.url, scenario);
      expect(linesOf(straight, scenario)).not.toMatch(/FAILURE|not run/);
      for (const [name, url] of Object.entries(fronts)) {
        const through = await runServerSuite(LEG, url, scenario);
        rows.push(`${scenario}, ${name}: ${tally(through)}; straight: ${tally(straight)}`);
        expect(differences(straight, through).map((each) => `${name}: ${linesOf(through, each)}`)).toEqual([]);
      }
    },
    TIMEOUT_MS,
  );
});
