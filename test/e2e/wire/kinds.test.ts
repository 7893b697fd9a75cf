/** Kinds of attack that got through once (SECURITY.md), over every transport, before a server that reads keys without case. */
import { afterAll, describe, expect, test } from 'bun:test';
import { SCENES } from './cases/kinds.ts';
import { attackWay, WAYS } from './http-run.ts';
import { attackAll, type Findings } from './run.ts';

const TIMEOUT_MS = 180_000;

let [cases, bypasses, fences] = [0, 0, 0];
afterAll(() => console.log(`attacks by kind: ${cases} sent, bypasses: ${bypasses}; ${fences} fences, all in the server's ledger`));

function judge(findings: Findings): void {
  cases += findings.tried;
  bypasses += findings.bypasses.length;
  fences += findings.fences;
  expect(findings).toMatchObject({ bypasses: [], failures: [] });
  expect(findings.tried).toBeGreaterThan(0);
}

describe.each(Object.entries(SCENES))('%s', (_, scene) => {
  test('over stdio', async () => judge(await attackAll(scene, { reader: 'fold' })), TIMEOUT_MS);

  test.each(WAYS.map((way) => [way.into, way.server, way] as const))(
    'by %s, answered by %s',
    async (_into, _server, way) => judge(await attackWay(way, scene, { reader: 'fold' })),
    TIMEOUT_MS,
  );
});
