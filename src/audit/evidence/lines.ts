/** A file's lines as a stream, split at line feeds alone. */
import { createReadStream } from 'node:fs';

export interface FileLine {
  readonly text: string;
  /** Whether a line feed ended it; a torn last line has none. */
  readonly whole: boolean;
}

/** Reads the lines of a file that may still be growing. A file that is gone has none. */
export async function* readLines(file: string): AsyncGenerator<FileLine> {
  let parts: string[] = [];
  try {
    for await (const chunk of createReadStream(file, 'utf8')) {
      const pieces = (chunk as string).split('\n');
      parts.push(pieces[0] ?? '');
      for (const piece of pieces.slice(1)) {
        yield { text: parts.join(''), whole: true };
        parts = [piece];
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const rest = parts.join('');
  if (rest !== '') yield { text: rest, whole: false };
}
