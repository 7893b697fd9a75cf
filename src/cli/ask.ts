/** Questions on the terminal whose answers are not shown. */
import { CommandError, EXIT } from '../core/fault.ts';
import { openKeys } from './approvals/keys.ts';
import type { Terminal } from './terminal.ts';

/** Asks without showing what is typed. Resolves with what was typed in answer to each question, up to Enter; rejects where the person leaves. */
export async function askSecrets(questions: readonly string[], { input, ask }: Terminal): Promise<readonly string[]> {
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
