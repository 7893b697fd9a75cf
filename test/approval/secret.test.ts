/** The approver secret as it is stored (policy.md §12, `protect`). */
import { expect, test } from 'bun:test';
import { hashSecret, matchesSecret } from '../../src/approval/secret.ts';

test('policy.md §12: the secret matches its hash, others do not, and the hash does not hold it', async () => {
  const stored = await hashSecret('corréct horse');
  expect(stored).not.toContain('horse');
  expect(await matchesSecret('corréct horse', stored)).toBe(true);
  expect(await matchesSecret('corre\u0301ct horse', stored)).toBe(true);
  expect(await matchesSecret('corréct hors', stored)).toBe(false);
  expect(await matchesSecret('', stored)).toBe(false);
  expect(await hashSecret('corréct horse')).not.toBe(stored);
}, 120_000);

test('policy.md §12: a stored text that cannot be read matches nothing', async () => {
  for (const stored of ['', 'plain', 'scrypt:1:1:1::', 'scrypt:0:0:0:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'])
    expect(await matchesSecret('', stored).catch(() => false)).toBe(false);
});
