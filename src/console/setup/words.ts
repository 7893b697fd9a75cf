/** The words for what is chosen, on the page and on the terminal alike. */
import type { Column } from '../../setup/draft/model.ts';
import type { Risk } from '../../setup/risk/risk.ts';

export interface Words<Id> {
  readonly id: Id;
  readonly label: string;
  readonly says: string;
}

/** From the loosest to the strictest. `short` stands under the label. */
export const COLUMN_WORDS: readonly (Words<Column> & { readonly short: string })[] = [
  { id: 'allow', label: 'Allow', short: 'every call passes', says: 'Every call goes through.' },
  { id: 'limit', label: 'Rate limit', short: 'so many in a time', says: 'Calls go through, up to so many in a minute or an hour.' },
  { id: 'approve', label: 'Require approval', short: 'a person decides', says: 'Each call waits until a person has said yes.' },
  { id: 'deny', label: 'Deny', short: 'refused', says: 'Calls are refused, and the agent is told so.' },
  { id: 'hide', label: 'Hide', short: 'refused and unseen', says: 'Calls are refused, and the agent does not even see the tool.' },
];

/** The worst first. */
export const RISK_WORDS: readonly Words<Risk>[] = [
  { id: 'Destructive', label: 'Destructive', says: 'Deletes, revokes or ends something for good.' },
  { id: 'Financial', label: 'Financial', says: 'Moves or commits money.' },
  { id: 'Execute', label: 'Execute', says: 'Runs code, commands or queries.' },
  { id: 'Write', label: 'Write', says: 'Creates, changes or sends something.' },
  { id: 'Read', label: 'Read', says: 'Only returns data.' },
];

/** A server gets the rules chosen, the library's policy, a policy that lists nothing, or nothing. */
export type Cover = 'rules' | 'library' | 'closed' | 'open';

export const COVER_WORDS: Readonly<Record<Cover, Omit<Words<Cover>, 'id'> & { readonly chosen: string }>> = {
  rules: { label: 'Use these rules', chosen: 'rules', says: 'Agents reach it through Intercept.' },
  library: {
    label: 'Use the policy from the library',
    chosen: 'policy of the library',
    says: 'It was written for this package, not for what this server lists today.',
  },
  closed: { label: 'Close it', chosen: 'closed', says: 'No tool may be called until it has been scanned.' },
  open: { label: 'Leave it open', chosen: 'open: no rules', says: 'Nothing changes: agents reach it without any rule.' },
};

/** In the place of the rules where a policy was there before. */
export const KEPT = 'its policy stays as it is';

export type StartMode = 'enforce' | 'shadow';

export const MODE_WORDS: readonly Words<StartMode>[] = [
  { id: 'enforce', label: 'Enforce from the first call', says: 'What a rule refuses does not reach the server.' },
  {
    id: 'shadow',
    label: 'Watch first',
    says: 'Every call goes through, and the log says what the rules would have refused. Until you enforce them, they protect nothing.',
  },
];
