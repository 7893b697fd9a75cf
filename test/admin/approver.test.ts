/** The queue of those who bring an approver secret (policy.md §12): one at a time, and bounded. */
import { expect, test } from 'bun:test';
import { openApproverGate } from '../../src/admin/approver.ts';
import { openMemoryStore } from '../../src/state/memory/memory.ts';

async function openGate() {
  const { approvals } = openMemoryStore({ clock: () => 0, namespace: 'test' });
  await approvals.protect('the hash');
  const asked: { readonly offered: string; readonly answer: (right: boolean) => void }[] = [];
  const gate = openApproverGate({
    approvals,
    matchesSecret: (offered) => new Promise((answer) => asked.push({ offered, answer })),
  });
  return { gate, asked };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('secrets are compared one at a time, in the order in which they came; too many are sent away', async () => {
  const { gate, asked } = await openGate();
  const checks = Array.from({ length: 40 }, (_, index) => gate.check(`guess ${index}`, () => false));
  expect((await Promise.all(checks.slice(32))).map(({ kind }) => kind)).toEqual(Array.from({ length: 8 }, () => 'busy'));
  for (let index = 0; index < 32; index++) {
    await settled();
    expect(asked.map(({ offered }) => offered).at(-1)).toBe(`guess ${index}`);
    expect(asked).toHaveLength(index + 1);
    asked[index]?.answer(index === 31);
  }
  expect((await checks[31])?.kind).toBe('right');
});

test('a wrong one waits by itself, longer the more there are: the next is compared at once', async () => {
  const { gate, asked } = await openGate();
  const waits: number[] = [];
  for (let index = 0; index < 7; index++) {
    const check = gate.check('guess', () => false);
    await settled();
    asked[index]?.answer(false);
    const answer = await check;
    if (answer.kind === 'wrong') waits.push(answer.after);
  }
  expect(waits).toEqual([1_000, 2_000, 3_000, 4_000, 5_000, 5_000, 5_000]);
  const right = gate.check('correct horse', () => false);
  await settled();
  asked[7]?.answer(true);
  expect(await right).toEqual({ kind: 'right', hash: 'the hash' });
});

test('who hangs up leaves the queue, and is not compared', async () => {
  const { gate, asked } = await openGate();
  const first = gate.check('guess', () => false);
  await settled();
  const left = Array.from({ length: 200 }, (_, index) => {
    let gone = false;
    const check = gate.check(`dropped ${index}`, () => gone);
    gone = true;
    return check;
  });
  const right = gate.check('correct horse', () => false);
  await settled();
  asked[0]?.answer(false);
  await first;
  await Promise.all(left);
  await settled();
  expect(asked.map(({ offered }) => offered)).toEqual(['guess', 'correct horse']);
  asked[1]?.answer(true);
  expect((await right).kind).toBe('right');
});
