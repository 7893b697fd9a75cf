/** Secrets that the operator gave us (headers, tokens): wherever they turn up in what we write, they are masked (I10). */
import { findSecrets } from './secrets.ts';
import { allowed, MOST_HIDDEN, type Span } from './spans.ts';

/** It stands in the place of a secret of Intercept's own, of which nothing shows. */
export const REDACTED = '[redacted]';

/** Shorter ones would be found in innocent words. */
const SHORTEST = 6;
const STRING = /"(?:[^"\\]|\\.)*"/g;

/** Masks these texts, as they are and as JSON writes them. With none, a text is answered as it is. */
export function openMask(secrets: readonly string[]): (text: string) => string {
  return replacer(secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]));
}

/** Masks them in the strings of a piece of JSON, however they are escaped there; it stays JSON, also where a secret is a number. */
export function openJsonMask(secrets: readonly string[]): (json: string) => string {
  const mask = replacer(secrets);
  const maskString = (string: string) => {
    const text = string.includes('\\') ? (JSON.parse(string) as string) : string.slice(1, -1);
    const masked = mask(text);
    return masked === text ? string : JSON.stringify(masked);
  };
  return secrets.length === 0 ? (json) => json : (json) => json.replace(STRING, maskString);
}

/** Takes out what looks like a credential, and leaves no trace of it: of guesses `most` characters. */
export function hideSecrets(text: string, most = MOST_HIDDEN): string {
  let result = '';
  let from = 0;
  for (const { start, end } of allowed(findSecrets(text), { left: most })) {
    result += text.slice(from, start) + REDACTED;
    from = end;
  }
  return result + text.slice(from);
}

/** Where they stand in a text. */
export function findKnown(text: string, secrets: readonly string[] = []): readonly Span[] {
  const spans: Span[] = [];
  for (const secret of secrets) {
    if (secret.length < SHORTEST) continue;
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1))
      spans.push({ start: at, end: at + secret.length, sure: true, known: true });
  }
  return spans;
}

function replacer(secrets: readonly string[]): (text: string) => string {
  // The longest first: of one that contains another nothing must be left.
  const all = [...new Set(secrets)].filter(({ length }) => length >= SHORTEST).sort((a, b) => b.length - a.length);
  if (all.length === 0) return (text) => text;
  const pattern = new RegExp(all.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
  return (text) => text.replace(pattern, REDACTED);
}
