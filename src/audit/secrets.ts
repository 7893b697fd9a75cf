/** What looks like a secret: names whose values are masked, and texts that are credentials by their shape. */

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

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

/** Whether values under this name are secrets. `counts`: the value is a number, as in `tokens: 100`. */
export function isSecretName(name: string, counts = false): boolean {
  if (!MAYBE_NAME.test(name)) return false;
  const words = snakeCase(name);
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

const NAME =
  '(?:[A-Za-z0-9]{1,32}[_-]){0,4}(?:[A-Za-z0-9]{0,16}(?:password|passwd|passphrase|apikey|secretkey|accesskey|accountkey)|pass|pwd|secret|token|(?:api|access|secret|private|account|auth)[_-]?key|client[_-]?secret|[a-z]{1,12}token|credentials?)';

/**
 * SECURITY: the text is the agent's, and may be megabytes. Each pattern is linear: what it repeats without bound
 * either ends it or cannot start again inside its own run.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g, REDACTED],
  [/^(Basic|Bearer|Token|Digest|Negotiate) +\S+$/i, `$1 ${REDACTED}`],
  [/(?<![A-Za-z0-9])(Bearer\s{1,8})[\w.~+/=-]{16,}/gi, `$1${REDACTED}`],
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, REDACTED],
  [
    new RegExp(
      `(?<![A-Za-z0-9])(?:${[
        '(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{16,}|sk-[\\w-]{16,}',
        'gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\\w{20,}|glpat-[\\w-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[\\w-]{16,}',
        'xox[a-z]-[\\w-]{10,}|xapp-[\\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\\w-]{30,}|ya29\\.[\\w-]{20,}',
        'SG\\.[\\w-]{16,}\\.[\\w-]{16,}|hf_[A-Za-z0-9]{20,}|dop_v1_[a-f0-9]{40,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}|sq0[a-z]{3}-[\\w-]{20,}',
        'lin_api_\\w{20,}|ntn_\\w{30,}|hv[sb]\\.[\\w-]{20,}|dapi[a-f0-9]{32}|AGE-SECRET-KEY-1[A-Z0-9]{20,}',
      ].join('|')})`,
      'g',
    ),
    REDACTED,
  ],
  [/(:\/\/[^\s/?#:@]{0,256}:)[^\s/?#]{1,512}@/g, `$1${REDACTED}@`],
  [/(hooks\.slack\.com\/services\/|discord(?:app)?\.com\/api\/webhooks\/)[\w/-]+/g, `$1${REDACTED}`],
  [/([?&](?:sig|signature|x-amz-signature|x-amz-security-token)=)[^&\s"'<>]+/gi, `$1${REDACTED}`],
  [new RegExp(`(?<![A-Za-z0-9])(${NAME}\\s{0,2}=\\s{0,2}\\\\?["']?)[^\\s&;,"'<>\\\\]+`, 'gi'), `$1${REDACTED}`],
  [new RegExp(`(["']${NAME}\\\\?["']\\s{0,4}:\\s{0,4}\\\\?["'])(?:[^"'\\\\]|\\\\.)+`, 'gis'), `$1${REDACTED}`],
  [
    new RegExp(
      `((?:^|["'])[ \\t]{0,8}(?:(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|${NAME})[ \\t]{0,4}:[ \\t]{1,4})[^\\r\\n"']+`,
      'gim',
    ),
    `$1${REDACTED}`,
  ],
  [new RegExp(`(--${NAME}[ \\t]{1,4})\\S+`, 'gi'), `$1${REDACTED}`],
  [/((?:^|\s)(?:-u|--user)[ \t]{1,4}[^\s:]{1,128}:)\S+/g, `$1${REDACTED}`],
];
/** Every text that one of them changes contains one of these. */
const MAYBE_SECRET =
  /bearer|basic|token|digest|negotiate|pass|pwd|secret|key|cred|auth|cookie|:\/\/|eyJ|[sr]k[-_]|whsec_|gh[pousr]_|github_pat|glpat-|npm_|pypi-|xox|xapp-|AKIA|ASIA|AIza|ya29|SG\.|hf_|dop_v1|shp|sq0|lin_api|ntn_|hv[sb]\.|dapi|-u|--user|hooks\.slack|webhooks|sig/i;

/** Masks credentials inside a text, and leaves the rest of it. */
export function maskText(text: string): string {
  if (text.length < 8 || !MAYBE_SECRET.test(text)) return text;
  return SECRETS.reduce((masked, [pattern, instead]) => masked.replace(pattern, instead), text);
}
