/** Ids of approval records and tokens of leases (policy.md §12). */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Where a store's ids and tokens come from; tests bring their own. */
export interface Ids {
  readonly approval: () => string;
  readonly token: () => string;
}

/** Random ones. */
export const RANDOM_IDS: Ids = { approval: () => `apr_${random()}`, token: () => random() };

/** 16 base32 characters, 80 bits that nobody can guess. */
function random(): string {
  let text = '';
  // A byte has eight times as many values as the alphabet has letters, so its low five bits are uniform.
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += ALPHABET.charAt(byte & 31);
  return text;
}
