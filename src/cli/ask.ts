/** Questions on the terminal: a secret that is typed without being seen, and a yes. */
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
  // A screen or a question before this one has paused it.
  input.resume();
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

/** Asks for a yes, which is one line that begins with `y`. Anything else, and the end of the input, is a no. */
export async function askYes(question: string, { input, ask }: Terminal): Promise<boolean> {
  if (input.readableEnded) return false;
  const line = Promise.withResolvers<string>();
  let text = '';
  const onData = (chunk: Buffer) => {
    text += chunk.toString('utf8');
    if (text.includes('\n')) line.resolve(text);
  };
  const onEnd = () => line.resolve(text);
  input.on('data', onData);
  input.once('end', onEnd);
  // A screen or a question before this one has paused it.
  input.resume();
  // After an earlier question it is paused.
  input.resume();
  ask(`${question} [y/N] `);
  try {
    return /^\s*y/i.test(await line.promise);
  } finally {
    input.removeListener('data', onData);
    input.removeListener('end', onEnd);
    input.pause();
  }
}

function left(): CommandError {
  return new CommandError('nothing was changed', EXIT.failed, 'run it again, and end each line with Enter');
}
