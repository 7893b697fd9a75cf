/** A server's command as records and people may see it. Its operator wrote it, who hides nothing from itself: all that may be secret goes. */
import { hideSecrets, REDACTED } from './known-secrets.ts';
import { isSecretName } from './secret-names.ts';

const PASSWORD = /(:\/\/[^\s/?#:@]*:)\S+@/;
const PARAMETER = /([?&;])([^\s=&;?]+)=([^&;#]+)/g;
/** `--token=x`, `TOKEN=x`, `Authorization: x`. */
const ASSIGNED = /^(-{0,2}([\w.-]{1,128})(?:=|:\s*))(?!\/\/)(.+)$/s;
const USER = /^(?:-u|--user)$/;

/** INVARIANT I10: its words, with passwords, tokens and keys taken out whole. */
export function maskCommand(words: readonly string[]): string {
  return words.map((word, i) => maskWord(word, words[i - 1] ?? '')).join(' ');
}

function maskWord(word: string, before: string): string {
  if (before.startsWith('-') && !before.includes('=') && isSecretName(before)) return REDACTED;
  if (USER.test(before) && word.includes(':')) return `${word.slice(0, word.indexOf(':'))}:${REDACTED}`;
  const assigned = ASSIGNED.exec(word);
  if (assigned && isSecretName(assigned[2] ?? '')) return `${assigned[1]}${REDACTED}`;
  return hideSecrets(word, Infinity)
    .replace(PASSWORD, `$1${REDACTED}@`)
    .replace(PARAMETER, (all, mark: string, name: string) => (isSecretName(name) ? `${mark}${name}=${REDACTED}` : all));
}
