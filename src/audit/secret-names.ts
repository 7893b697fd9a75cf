/** Names whose values are secrets. */

/** Every secret name contains one of these; most names contain none. */
const MAYBE_NAME =
  /pass|pwd|pw$|secret|token|cred|auth|bearer|cookie|key|jwt|otp|pin|cvv|cvc|csc|card|pan$|ssn|social|code|seed|mnemonic|conn|assertion|sas$|[^ -~]/i;

/** In snake case. A secret word has to end the name: `token_type` and `secret_name` tell nothing. */
const SECRET_NAME = new RegExp(
  `(?:^|_)(?:${[
    '[a-z0-9]*(?:password|passwd|passphrase|apikey|secretkey|privatekey|accesskey|clientsecret|(?:access|auth|refresh|session|id|bearer|api)token)s?',
    'pass|passcode|pwd|pw|secrets?|client_?secret|token|jwt|bearer|otp|totp|pin|pin_?code',
    'auth|(?:proxy_?)?authorization|auth_(?:header|code|data)|authorization_code|authentication',
    '(?:set_?)?cookies?|credentials?|creds?|client_assertion|connection_?str(?:ing)?|conn_?str|sas',
    '(?:api|app|access|secret|private|encryption|decryption|signing|master|service|ssh|gpg|pgp|rsa|auth|account|storage|shared|session|webhook|hmac)_?keys?',
    '(?:otp|mfa|totp|2fa|verification|one_time|recovery|backup|security|access)_?codes?|code_?verifier',
    '(?:credit_?|debit_?)?card_?(?:number|num|no)|(?:credit|debit)_?card|pan|cvv2?|cvc2?|csc|ssn|social_security(?:_number)?',
    'seed_?(?:phrase|words)|mnemonic',
  ].join('|')})(?:_(?:value|text|string|plain|hash|base64|b64|pem|raw|new|old|current|confirm|confirmation|again|repeat|\\d+))*$`,
);
const PLURAL_TOKENS = /(?:^|_)tokens$/;
/** Tokens that are places in a list, symbols or counts. */
const HARMLESS_TOKEN =
  /(?:^|_)(?:page|next|continuation|start|stop|sync|eos|bos|pad|sep|unk|mask|max|min|num|total|per|prompt|completion|input|output)_tokens?$/;

/** Of longer names the end says what they are. */
const LONGEST = 256;

/** Answers whether values under this name are secrets. `counts`: the value is a number, as in `tokens: 100`. */
export function isSecretName(name: string, counts = false): boolean {
  const end = name.length > LONGEST ? name.slice(-LONGEST) : name;
  if (!MAYBE_NAME.test(end)) return false;
  const words = snakeCase(end);
  if (HARMLESS_TOKEN.test(words)) return false;
  return PLURAL_TOKENS.test(words) ? !counts : SECRET_NAME.test(words);
}

function snakeCase(name: string): string {
  const plain = /^[ -~]*$/.test(name) ? name : name.normalize('NFKC').replace(/\p{Cf}/gu, '');
  return plain
    .slice(-128)
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '_')
    .replace(/^_|_$/g, '');
}
