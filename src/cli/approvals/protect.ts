/** `intercept approvals protect`: from then on, deciding needs a secret (policy.md §12). */
import { APPROVER_VARIABLE, checkApprover, hashSecret } from '../../approval/secret.ts';
import { CommandError, EXIT, UsageError } from '../../core/fault.ts';
import type { Terminal } from '../terminal.ts';
import { openKeys } from './keys.ts';
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

/** Asks without showing what is typed. Resolves with what was typed in answer to each question, up to Enter; rejects where the person leaves. */
async function askSecrets(questions: readonly string[], { input, ask }: Terminal): Promise<readonly string[]> {
  const done = Promise.withResolvers<void>();
  const read = openKeys();
  const answers: string[] = [];
  let text = '';
  const onData = (chunk: Buffer) => {
    for (const key of read(chunk)) {
      if (key.kind === 'quit' || key.kind === 'escape') return done.reject(left());
      if (key.kind === 'backspace') text = [...text].slice(0, -1).join('');
      if (key.kind === 'text' || key.kind === 'pasted') text += key.text;
      if (key.kind !== 'enter') continue;
      answers.push(text);
      text = '';
      if (answers.length === questions.length) return done.resolve();
      ask(`\n${questions[answers.length]}`);
    }
  };
  const onEnd = () => done.reject(left());
  // SECURITY: before the question, or who types quickly would see the answer.
  input.setRawMode?.(true);
  input.on('data', onData);
  input.once('end', onEnd);
  ask(questions[0] ?? '');
  try {
    await done.promise;
    return answers;
  } finally {
    input.removeListener('data', onData);
    input.removeListener('end', onEnd);
    input.setRawMode?.(false);
    input.pause();
    ask('\n');
  }
}

function left(): CommandError {
  return new CommandError('nothing was changed', EXIT.failed, 'run it again, and end each line with Enter');
}
