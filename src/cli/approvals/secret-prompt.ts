/** Asks for a text on the terminal, which does not show what is typed. */
import { CommandError } from '../faults.ts';
import { EXIT } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { openKeys } from './keys.ts';

/** Resolves with what was typed before Enter; rejects where the person leaves. */
export async function askSecret(question: string, { input, ask }: Terminal): Promise<string> {
  const answered = Promise.withResolvers<string>();
  const read = openKeys();
  let text = '';
  const onData = (chunk: Buffer) => {
    for (const key of read(chunk)) {
      if (key.kind === 'enter') return answered.resolve(text);
      if (key.kind === 'quit' || key.kind === 'escape') return answered.reject(left());
      if (key.kind === 'backspace') text = [...text].slice(0, -1).join('');
      if (key.kind === 'text' || key.kind === 'pasted') text += key.text;
    }
  };
  const onEnd = () => answered.reject(left());
  ask(question);
  input.setRawMode?.(true);
  input.on('data', onData);
  input.once('end', onEnd);
  try {
    return await answered.promise;
  } finally {
    input.removeListener('data', onData);
    input.removeListener('end', onEnd);
    input.setRawMode?.(false);
    input.pause();
    ask('\n');
  }
}

function left(): CommandError {
  return new CommandError('nothing was changed', EXIT.failed);
}
