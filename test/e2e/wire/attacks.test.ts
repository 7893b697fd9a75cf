import { afterAll, describe, expect, test } from 'bun:test';
import type { RecorderConfig } from '../../harness/recorder/config.ts';
import type { Attack } from './attack.ts';
import { BATCHES } from './cases/batches.ts';
import { CALLS } from './cases/calls.ts';
import { FRAMES, RESPONSES } from './cases/framing.ts';
import { KEYS } from './cases/keys.ts';
import { attackAll, attackServer } from './run.ts';
import { wireScene } from './scene.ts';

const ATTACKS: readonly Attack[] = [...BATCHES, ...KEYS, ...CALLS, ...FRAMES, ...RESPONSES];

const SAFE = '  safe: {rules: [{conditions: [{path: args.amount, op: lte, value: 10}]}]}';
const NAMES = ['danger', '__proto__', 'constructor', 'toString', 'hasOwnProperty'];

/** Three ways in which a policy denies. */
const POLICIES: Readonly<Record<string, string>> = {
  'default deny': `version: "1"\ndefault: deny\ntools:\n${SAFE}\n`,
  hide: `version: "1"\nhide: [${NAMES.join(', ')}]\ntools:\n${SAFE}\n`,
  'a deny rule': `version: "1"\ntools:\n${SAFE}\n${NAMES.map((name) => `  ${name}: {rules: [{action: deny}]}`).join('\n')}\n`,
};

/** Servers that read carelessly, each in another way. */
const SERVERS: Readonly<Record<string, Pick<RecorderConfig, 'reader' | 'framing'>>> = {
  'takes the last of duplicate keys': { reader: 'last' },
  'takes the first of duplicate keys, ends lines anywhere': { reader: 'first', framing: 'any' },
  'folds keys, ends lines anywhere': { reader: 'fold', framing: 'any' },
};

let [sent, bypasses, fences] = [0, 0, 0];
afterAll(() =>
  console.log(`attacks: ${ATTACKS.length} cases, ${sent} sent, bypasses: ${bypasses}; ${fences} fences, all in the server's ledger`),
);

describe.each(Object.entries(SERVERS))('a server that %s (wire.md §2)', (_, server) => {
  test.each(Object.entries(POLICIES))(
    'behind %s',
    async (_, policy) => {
      for (const version of [undefined, '2025-03-26'] as const) {
        const all = ATTACKS.filter((attack) => attack.version === version && !(attack.lfOnly && server.framing === 'any'));
        const findings = await attackAll(wireScene(policy, all), server, version);
        sent += all.length;
        bypasses += findings.bypasses.length;
        fences += findings.fences;
        expect(findings).toMatchObject({ bypasses: [], failures: [] });
      }
    },
    180_000,
  );
});

// A table that no server falls for would prove nothing.
test.each(Object.entries(SERVERS))(
  'without the proxy, a server that %s does what is denied',
  async (_, server) => {
    const successes = await attackServer(ATTACKS, server);
    console.log(`without the proxy: ${successes} of ${ATTACKS.length} attacks succeed`);
    expect(successes).toBeGreaterThan(ATTACKS.length / 4);
  },
  180_000,
);

test('every point of wire.md §2 that stdio has is attacked, and no attack is there twice', () => {
  expect(ATTACKS.length).toBeGreaterThanOrEqual(80);
  const names = ATTACKS.map(({ point, name, version }) => `${point}: ${name} ${version}`);
  expect(new Set(names).size).toBe(names.length);
});
