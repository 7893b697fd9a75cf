/** Keeps the end of what a server writes to stderr, for the error that says why it did not answer. SECURITY: masked, escaped, bounded. */
import { escapeUnseen } from '../audit/escape.ts';
import { hideSecrets, openMask } from '../audit/mask.ts';
import type { Remote } from '../serve/options.ts';
import { secretsOf } from '../serve/remote-secrets.ts';

const MOST_LINES = 20;
const MOST_LINE = 300;
/** Bytes that are kept: 20 long lines. */
const MOST_KEPT = 64 * 1024;

/** Variables that every program has, and that say nothing of a server's owner. All others may be secrets. */
const HARMLESS =
  /^(?:PATH|HOME|PWD|OLDPWD|SHELL|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TERM|TERM_\w+|COLORTERM|SHLVL|HOSTNAME|EDITOR|VISUAL|PAGER|TMPDIR|TMP|TEMP|TZ|DISPLAY|XDG_\w+|NODE_ENV|NODE_PATH|_)$/;

type Environment = Readonly<Record<string, string | undefined>>;

export interface LastWords {
  onError(chunk: Uint8Array): void;
  /** Its last lines. */
  lines(): readonly string[];
}

/** Collects stderr; the values of the environment and of headers are masked in it. */
export function collectLastWords(env: Environment, remote: Remote | undefined): LastWords {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    onError(chunk) {
      const kept = chunk.slice(-MOST_KEPT);
      chunks.push(kept);
      size += kept.length;
      while (size - (chunks[0]?.length ?? 0) >= MOST_KEPT) size -= chunks.shift()?.length ?? 0;
    },
    lines: () => {
      const mask = maskOf(env, remote);
      const lines = mask(Buffer.concat(chunks).toString('utf8').slice(-MOST_KEPT)).split(/\r\n|[\r\n]/);
      return lines
        .map(shownLine)
        .filter((line) => line !== '')
        .slice(-MOST_LINES);
    },
  };
}

/** Masks the values of an environment and of headers, and what looks like a credential. */
export function maskOf(env: Environment, remote: Remote | undefined): (text: string) => string {
  const values = Object.entries(env).flatMap(([name, value]) => (value === undefined || HARMLESS.test(name) ? [] : [value]));
  const mask = openMask([...values, ...(remote ? secretsOf(remote) : [])]);
  return (text) => hideSecrets(mask(text));
}

/** The sequences by which terminals colour text: nothing is lost without them. */
const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

function shownLine(line: string): string {
  const safe = escapeUnseen(line.replace(COLOUR, '').replaceAll('\t', '  ')).trimEnd();
  return safe.length > MOST_LINE ? `${safe.slice(0, MOST_LINE - 1)}…` : safe;
}
