/** wire.md §2.13: which agents have sessions open is counted, and not looked for. */
import { expect, test } from 'bun:test';
import type { Agent } from '../../../src/serve/listener/agents.ts';
import { createUses } from '../../../src/serve/listener/sessions.ts';

test('an agent is in use until the last of its sessions ended, and nothing of it is left then', () => {
  const [one, two] = [{ key: '1' } as Agent, { key: '2' } as Agent];
  const uses = createUses();
  for (const agent of [one, one, two]) uses.add(agent);
  uses.remove(one);
  expect([uses.has(one), uses.has(two)]).toEqual([true, true]);
  uses.remove(one);
  uses.remove(one);
  expect([uses.has(one), uses.has(two)]).toEqual([false, true]);
});
