/** What the commands about approvals share: whose store, which record, and who may decide (policy.md §12). */
import { matchesSecret } from '../../approval/secret.ts';
import type { Approval, Approvals } from '../../core/approval.ts';
import { CommandError, EXIT } from '../../core/fault.ts';
import type { OwnPlaces } from '../../run/own-folders.ts';
import { shown } from '../paint.ts';
import { stateOf } from './record-lines.ts';

export interface DeskOptions extends OwnPlaces {
  readonly json: boolean;
}

/** The variable that holds the approver secret. */
export const APPROVER_VARIABLE = 'INTERCEPT_APPROVER_TOKEN';

const MOST_LISTED = 10;

type Environment = Readonly<Record<string, string | undefined>>;

/** The one record that an id, or the beginning of one, names. Throws where there is none, or more than one. */
export async function findRecord(approvals: Approvals, id: string): Promise<Approval> {
  const found = await approvals.find(id, 0);
  const [named] = found.filter((one) => one.id === id).concat(found.length === 1 ? found : []);
  const [record] = named ? await approvals.find(named.id) : [];
  if (record) return record;
  if (found.length === 0 || named) throw unknownId(id);
  const listed = found.slice(0, MOST_LISTED).map((one) => `  ${one.id}  ${shown(one.tool, 40)}  ${stateOf(one, Date.now())}`);
  const more = found.length > MOST_LISTED ? [`  and ${found.length - MOST_LISTED} more`] : [];
  throw new CommandError(
    `${quote(id)} is the beginning of ${found.length} ids`,
    EXIT.failed,
    ['write more of it:', ...listed, ...more].join('\n'),
  );
}

/** No record has this id. */
export function unknownId(id: string): CommandError {
  return new CommandError(`there is no approval ${quote(id)}`, EXIT.failed, 'see "intercept approvals list --all"');
}

/** SPEC: policy.md §12 — once a secret is set, only who has it decides. Throws otherwise. */
export async function checkApprover(approvals: Pick<Approvals, 'secret'>, env: Environment): Promise<void> {
  const refusal = await refuseApprover(approvals, env);
  if (refusal !== undefined) throw new CommandError(refusal, EXIT.failed, `set ${APPROVER_VARIABLE} to the approver secret`);
}

/** Why whoever runs this may not decide; undefined where they may. */
export async function refuseApprover(approvals: Pick<Approvals, 'secret'>, env: Environment): Promise<string | undefined> {
  const hash = await approvals.secret();
  if (hash === undefined) return undefined;
  const given = env[APPROVER_VARIABLE];
  if (!given) return 'deciding needs the approver secret';
  return (await matchesSecret(given, hash)) ? undefined : `${APPROVER_VARIABLE} is not the approver secret`;
}

function quote(id: string): string {
  return JSON.stringify(shown(id, 60));
}
