/** wire.md §2 over every transport: the attacks of stdio through the bridge, in POSTs and in legacy messages, whatever channel answers. */
import { afterAll, describe, expect, test } from 'bun:test';
import type { Attack } from './attack.ts';
import { BATCHES } from './cases/batches.ts';
import { CALLS } from './cases/calls.ts';
import { FRAMES, RESPONSES } from './cases/framing.ts';
import { KEYS } from './cases/keys.ts';
import { attackWay, WAYS } from './http-run.ts';
import { wireScene } from './scene.ts';

const ATTACKS: readonly Attack[] = [...BATCHES, ...KEYS, ...CALLS, ...FRAMES, ...RESPONSES];
const TIMEOUT_MS = 180_000;

const SAFE = '  safe: {rules: [{conditions: [{path: args.amount, op: lte, value: 10}]}]}';
const DENY = `version: "1"\ndefault: deny\ntools:\n${SAFE}\n`;

const READERS = ['first', 'fold', 'last'] as const;

let [sent, bypasses, fences] = [0, 0, 0];
afterAll(() =>
  console.log(
    `attacks over HTTP: ${ATTACKS.length} cases, ${WAYS.length} ways, ${sent} sent, bypasses: ${bypasses}; ${fences} fences, all in the server's ledger`,
  ),
);

describe.each(WAYS.map((way, i) => [way.into, way.server, way, READERS[i % 3]] as const))(
  'by %s, answered by %s (wire.md §2)',
  (_, _server, way, reader) => {
    test.each([undefined, '2025-03-26'] as const)(
      'nothing denied is executed (%s)',
      async (version) => {
        const all = ATTACKS.filter((attack) => attack.version === version);
        const findings = await attackWay(way, wireScene(DENY, all), { reader: reader ?? 'last' }, version);
        sent += all.length;
        bypasses += findings.bypasses.length;
        fences += findings.fences;
        expect(findings).toMatchObject({ bypasses: [], failures: [] });
      },
      TIMEOUT_MS,
    );
  },
);
