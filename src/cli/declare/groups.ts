/** The commands of two words, by which people decide: `approvals` and `idempotency` (cli.md §3). */
import { UsageError } from '../../core/fault.ts';
import { operator } from '../../process/operator.ts';
import { group, part } from './declare.ts';
import { JSON_OUT, mentioned, placesOf, STATE, STATE_FILES, set, text, words } from './flags.ts';

const COMMON = { ...STATE, ...JSON_OUT };
const AS = { as: text('name', 'NAME', 'who decides; else the user of the operating system') };
const REASON = { reason: words('text', 'TEXT', 'why; the agent of a denied call is told') };

const decision = (verdict: 'approve' | 'deny', about: string) =>
  part({
    name: verdict,
    argument: 'ID',
    about,
    flags: { ...AS, ...REASON, ...COMMON },
    async run({ as, reason = '', ...values }, { terminal }, id) {
      const { decideApproval } = await import('../approvals/decide.ts');
      return decideApproval({ ...values, ...placesOf(values, terminal.env), id, verdict, by: as ?? (await operator()), reason }, terminal);
    },
  });

const APPROVAL_PARTS = [
  part({
    name: 'list',
    about: 'what waits; --all shows decided and expired ones too',
    flags: { ...mentioned({ all: set() }), ...COMMON },
    run: async (values, { terminal }) =>
      (await import('../approvals/list.ts')).listApprovals({ ...values, ...placesOf(values, terminal.env) }, terminal),
  }),
  part({
    name: 'show',
    argument: 'ID',
    about: 'one whole: who asks, why it waits, every argument',
    flags: COMMON,
    run: async (values, { terminal }, id) =>
      (await import('../approvals/list.ts')).showApproval(id, { ...values, ...placesOf(values, terminal.env) }, terminal),
  }),
  decision('approve', 'let it through once, when the agent repeats it'),
  decision('deny', 'refuse it'),
  part({
    name: 'watch',
    about: 'a live view, in which one key decides; lines where piped',
    flags: { ...AS, ...COMMON },
    async run({ as, ...values }, { terminal }) {
      const { watchApprovals } = await import('../approvals/watch.ts');
      return watchApprovals({ ...values, ...placesOf(values, terminal.env), by: as ?? (await operator()) }, terminal);
    },
  }),
  part({
    name: 'expire',
    about: 'mark what is over',
    flags: COMMON,
    run: async (values, { terminal }) =>
      (await import('../approvals/list.ts')).expireApprovals({ ...values, ...placesOf(values, terminal.env) }, terminal),
  }),
  part({
    name: 'protect',
    about: 'set a secret, without which nobody approves, denies, resumes',
    flags: COMMON,
    run: async (values, { terminal }) =>
      (await import('../approvals/protect.ts')).protectApprovals({ ...values, ...placesOf(values, terminal.env) }, terminal),
  }),
];

const APPROVALS = group({
  name: 'approvals',
  parts: APPROVAL_PARTS,
  usage: 'approvals COMMAND [flags]',
  about: 'Decide on calls that wait for a human. An ID may be shortened while unique.',
  body: [{ ...AS, ...REASON }, STATE, STATE_FILES, JSON_OUT],
  end: 'INTERCEPT_APPROVER_TOKEN holds the secret, once there is one.\nExample: intercept approvals approve apr_jxwe --reason "customer called"',
});

const OUTCOME = {
  happened: set('it was carried out: a repeat is denied'),
  didNot: set('it was not: it may be sent again'),
  as: text('name', 'NAME', 'who settles it; else the user of the operating system'),
};

const IDEMPOTENCY_PARTS = [
  part({
    name: 'list',
    about: 'calls in flight, done, and of unknown outcome',
    flags: COMMON,
    run: async (values, { terminal }) =>
      (await import('../idempotency.ts')).listClaims({ ...values, ...placesOf(values, terminal.env) }, terminal),
  }),
  part({
    name: 'resolve',
    argument: 'KEY',
    about: 'settle an unknown outcome, when you have looked it up',
    flags: { ...OUTCOME, ...COMMON },
    async run({ happened, didNot, as, ...values }, { terminal }, key) {
      if (happened === didNot) throw new UsageError('did the call happen?', 'write either "--happened" or "--did-not"');
      const { resolveClaim } = await import('../idempotency.ts');
      const verdict = happened ? 'happened' : 'did_not';
      return resolveClaim({ ...values, ...placesOf(values, terminal.env), key, verdict, by: as ?? (await operator()) }, terminal);
    },
  }),
];

const IDEMPOTENCY = group({
  name: 'idempotency',
  parts: IDEMPOTENCY_PARTS,
  usage: 'idempotency COMMAND [flags]',
  about: 'See and settle calls that must not be sent twice.',
  body: [OUTCOME, STATE, STATE_FILES, JSON_OUT],
  end: 'Example: intercept idempotency resolve 3f9a --did-not',
});

export const GROUPS = [APPROVALS, IDEMPOTENCY];
