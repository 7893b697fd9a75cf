/** `intercept approvals protect`: from then on, deciding needs a secret (policy.md §12). */
import { APPROVER_VARIABLE, checkApprover, hashSecret } from '../../approval/secret.ts';
import { CommandError, EXIT, UsageError } from '../../core/fault.ts';
import { askSecrets } from '../ask.ts';
import type { Terminal } from '../terminal.ts';
import type { ApprovalsOptions } from './list.ts';

const SHORTEST = 8;

/** Sets the secret, or replaces it by one who has it. */
export async function protectApprovals({ state, json }: ApprovalsOptions, terminal: Terminal): Promise<number> {
  const records = await state.openRecords();
  try {
    const isSet = (await records.approvals.secret()) !== undefined;
    await checkApprover(records.approvals, terminal.env);
    const secret = await newSecret(isSet, terminal);
    if ([...secret].length < SHORTEST)
      throw new CommandError(`the secret is shorter than ${SHORTEST} characters`, EXIT.failed, '"openssl rand -hex 16" makes one');
    await records.approvals.protect(await hashSecret(secret));
    if (json) terminal.out(JSON.stringify({ protected: true, replaced: isSet }));
    else
      terminal.out(`${isSet ? 'the secret is replaced' : 'approvals are protected'}: approve, deny and resume need ${APPROVER_VARIABLE}`);
    return EXIT.done;
  } finally {
    await records.close();
  }
}

/** From the variable where there is no secret yet; else that is the present one, and the new one is asked for. */
async function newSecret(isSet: boolean, terminal: Terminal): Promise<string> {
  const given = terminal.env[APPROVER_VARIABLE];
  if (!isSet && given) return given;
  if (!terminal.input.isTTY)
    throw new UsageError(
      'no terminal to ask for the secret',
      isSet ? 'run it on a terminal' : `set ${APPROVER_VARIABLE}, or run it on a terminal`,
    );
  const [first = '', second] = await askSecrets(['approver secret: ', 'once more: '], terminal);
  if (first !== second) throw new CommandError('the two differ, and nothing was changed', EXIT.failed, 'run it again');
  return first;
}
