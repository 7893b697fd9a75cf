/** Ids of approval records (policy.md §12). */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** `apr_` and 16 base32 characters, 80 bits that nobody can guess. */
export function newApprovalId(): string {
  let id = 'apr_';
  // A byte has eight times as many values as the alphabet has letters, so its low five bits are uniform.
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) id += ALPHABET.charAt(byte & 31);
  return id;
}
