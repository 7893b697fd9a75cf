import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { manyRules, STATELESS } from './policies.ts';
import { median } from './stats.ts';

/** Decisions in process, through the public library. */
export type Decisions =
  | { readonly missing: string }
  | { readonly perSecond: Readonly<Record<string, number>>; readonly rulesRatio: number };

interface Library {
  loadPolicy(text: string): Promise<{ readonly policy: unknown }>;
  decide(policy: unknown, call: unknown, options?: unknown): unknown;
}

const CALL = {
  tool: 'create_refund',
  args: { charge: 'ch_3Nirxj2eZvKYlo2C0S2r7fJm', amount: 100, currency: 'usd', reason: 'requested_by_customer' },
};
const TURNS = 7;
const COUNT = 100_000;

/** Takes turns between the policies, so that noise meets all of them. */
export async function measureDecisions(root: string): Promise<Decisions> {
  const path = join(root, 'src/index.ts');
  if (!existsSync(path)) return { missing: `${path} does not exist` };
  const library = (await import(path)) as Library;
  const texts = { 'stateless policy': STATELESS, '10 rules': manyRules(10), '10,000 rules': manyRules(10_000) };
  const policies = await Promise.all(
    Object.entries(texts).map(async ([name, text]) => ({ name, policy: (await library.loadPolicy(text)).policy, rates: [] as number[] })),
  );
  for (const { name, policy } of policies) if (!policy) return { missing: `the policy of the bench did not load: ${name}` };
  for (let turn = 0; turn < TURNS; turn++) for (const { policy, rates } of policies) rates.push(rateOf(library, policy));
  const perSecond = Object.fromEntries(policies.map(({ name, rates }) => [name, median(rates)]));
  return { perSecond, rulesRatio: (perSecond['10 rules'] ?? Number.NaN) / (perSecond['10,000 rules'] ?? Number.NaN) };
}

function rateOf(library: Library, policy: unknown): number {
  const from = performance.now();
  for (let i = 0; i < COUNT; i++) library.decide(policy, CALL);
  return (COUNT / (performance.now() - from)) * 1_000;
}
