/** Finds the secrets in a remote server's URL and headers (I10), and warns the operator of unsafe ones. */
import { hideSecrets, openMask } from '../audit/mask.ts';
import { hasSecret, isSecretName } from '../audit/secrets.ts';
import { isLoopback } from '../http/proxies.ts';
import type { GivenHeader, Remote } from './options.ts';

/** Parameters of a URL that carry credentials, by their names; shorter names than those of fields elsewhere. */
const SECRET_PARAMETER = /key|token|secret|sig|auth|pass|pwd|code|jwt/i;
/** A part of a path that is a token: long, with letters and digits, and no UUID. */
const TOKEN = /^(?=.*\d)(?=.*[a-z])[\w-]{20,}$/i;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Collects the texts that must not be written anywhere. */
export function secretsOf({ url, given }: Remote): readonly string[] {
  return [...urlSecrets(url), ...given.flatMap(headerSecrets)];
}

/** Takes secrets out of what the server says of itself: those that it was given, a client's credential, and what looks like one. */
export function wordMask(remote: Remote): (text: string, credential?: string) => string {
  const secrets = secretsOf(remote);
  return (text, credential) => {
    const own = credential === undefined ? [] : [credential, ...credential.split(' ').slice(1)];
    return hideSecrets(openMask([...secrets, ...own])(text));
  };
}

/** The URL as people and records may see it. */
export function shownUrl(remote: Remote): string {
  const bare = new URL(remote.url);
  bare.username = '';
  bare.password = '';
  return openMask(secretsOf(remote))(bare.href);
}

/** The warnings that the operator gets at start. */
export function warningsOf({ url, given: headers }: Remote): readonly string[] {
  const literal = headers.filter((header) => header.hidden.length === 0 && isCredential(header));
  const open = url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
  const shows = 'shows in process lists';
  return [
    ...literal.map(({ name }) => `the value of the header ${JSON.stringify(name)} ${shows}: put it into a variable, and use --header-env`),
    ...(urlSecrets(url).length > 0
      ? [`--upstream holds a secret, which ${shows}: if the server takes it as a header, use --header-env`]
      : []),
    ...(open && (url.password !== '' || headers.some(isCredential))
      ? [`credentials are sent to ${url.host} without encryption: write https://, unless the network is your own`]
      : []),
  ];
}

function isCredential({ name, value, hidden }: GivenHeader): boolean {
  return hidden.length > 0 || isSecretName(name) || hasSecret(value);
}

/** Collects the secrets of a header. The token in `Bearer TOKEN` is secret by itself, too. */
function headerSecrets(header: GivenHeader): readonly string[] {
  const { value, hidden } = header;
  if (!isCredential(header)) return [];
  return [
    ...(isSecretName(header.name) ? [value, ...value.split(' ').slice(1)] : []),
    ...hidden.flatMap((text) => [text, ...text.split(' ').slice(1)]),
  ];
}

function urlSecrets(url: URL): readonly string[] {
  const parameters = [...url.searchParams].filter(([name, value]) => SECRET_PARAMETER.test(name) || hasSecret(value));
  const parts = url.pathname.split('/').filter((part) => TOKEN.test(part) && !UUID.test(part));
  const user = [url.username, url.password].flatMap((text) => (text === '' ? [] : [text, decoded(text)]));
  return [...user, ...parameters.flatMap(([, value]) => [value, encodeURIComponent(value)]), ...parts];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
