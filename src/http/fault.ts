/** Why a request to the upstream has no answer, and whether the upstream may have acted on it (policy.md §6). */

export type UpstreamFaultCode = 'unreachable' | 'broken' | 'redirect' | 'foreign_origin' | 'encoding' | 'aborted';

/** A request that has no answer. `sent`: the upstream may have received it. The message continues "the server at … ". */
export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault';
  readonly code: UpstreamFaultCode;
  readonly sent: boolean;

  constructor(code: UpstreamFaultCode, message: string, sent: boolean, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.sent = sent;
  }
}

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: is it running?',
  ENOTFOUND: 'was not found: check the name',
  EAI_AGAIN: 'cannot be looked up: the name service does not answer',
  EHOSTUNREACH: 'cannot be reached from here',
  ENETUNREACH: 'cannot be reached: there is no network',
  ETIMEDOUT: 'does not answer connections',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a certificate that nobody vouches for: name its authority in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'has a certificate of an unknown authority: name it in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'has a certificate of an unknown authority: name it in NODE_EXTRA_CA_CERTS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate of another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS: is its URL one of http?',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'does not speak HTTP/1.1',
};

/** The fault that an error of the platform is. Before there was a connection nothing can have been sent. */
export function faultOf(error: Error, connected: boolean): UpstreamFault {
  if (error instanceof UpstreamFault) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (error.name === 'AbortError') return new UpstreamFault('aborted', 'was given up', connected, error);
  if (!connected) return new UpstreamFault('unreachable', WHY[code] ?? `cannot be reached: ${reasonOf(error, code)}`, false, error);
  return new UpstreamFault('broken', `broke the connection (${code || error.message})`, true, error);
}

/** Shortens a message: what OpenSSL says is for who wrote it; where several addresses were tried, the platform says nothing. */
function reasonOf({ message }: Error, code: string): string {
  return message === '' || code.startsWith('ERR_SSL_') ? code : message;
}

/** A fault of what the server sent, of which it acted on. */
export function broken(what: string): UpstreamFault {
  return new UpstreamFault('broken', `answers with ${what}`, true);
}

/** The connection ended before the answer did. */
export function cutOff(hasBegun: boolean, cause?: Error): UpstreamFault {
  return new UpstreamFault(
    'broken',
    `broke the connection ${hasBegun ? 'in the middle of its answer' : 'before it answered'}`,
    true,
    cause,
  );
}

/** Names what the runtime's reader refuses, in words. */
const REFUSED: Readonly<Record<string, string>> = {
  HPE_CR_EXPECTED: 'a line that LF alone ends',
  HPE_INVALID_HEADER_TOKEN: 'a header that cannot be read',
  HPE_LF_EXPECTED: 'a header that cannot be read',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'two values of the header "content-length"',
  HPE_INVALID_CONTENT_LENGTH: 'a length that is none',
  HPE_INVALID_TRANSFER_ENCODING: 'a transfer coding that was not asked for',
  HPE_INVALID_CHUNK_SIZE: 'a chunk without a size that could be read',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'a chunk whose extensions are too long',
  HPE_STRICT: 'a chunk that does not end where it says',
  HPE_HEADER_OVERFLOW: 'a head, or a line of one, of more than 65536 bytes',
};

interface AnswerError extends Error {
  readonly code?: string;
  /** Of a fault of the reader's: why, in its words, and the bytes that it read last. */
  readonly reason?: string;
  readonly rawPacket?: Buffer;
}

/** The fault that an error is which came after the request was written; `hasBegun`: bytes of the answer had come. */
export function faultOfAnswer(error: AnswerError, hasBegun: boolean): UpstreamFault {
  const { code = '', reason = '', rawPacket } = error;
  if (error.message === 'socket hang up') return cutOff(hasBegun, error);
  if (!code.startsWith('HPE_')) return faultOf(error, true);
  if (reason.includes('present with')) return broken('both a length and a transfer coding');
  const [line = ''] = rawPacket?.toString('latin1', 0, MOST_SAID).split('\r\n', 1) ?? [];
  return broken(REFUSED[code] ?? `something else than HTTP/1.1, ${quote(line)}`);
}

/** Characters of what the server sent. */
const MOST_SAID = 40;

export function quote(text: string): string {
  return JSON.stringify(text.slice(0, MOST_SAID));
}
