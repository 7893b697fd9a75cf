/** Why a request to the upstream has no answer, and whether the upstream may have acted on it (policy.md §6). */

export type FaultCode = 'unreachable' | 'broken' | 'redirect' | 'foreign_origin' | 'encoding' | 'aborted';

/** A request that has no answer. `sent`: the upstream may have received it. The message continues "the server at … ". */
export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault';
  readonly code: FaultCode;
  readonly sent: boolean;

  constructor(code: FaultCode, message: string, sent: boolean, cause?: unknown) {
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

/** What OpenSSL says is for who wrote it; where several addresses were tried, the platform says nothing. */
function reasonOf({ message }: Error, code: string): string {
  return message === '' || code.startsWith('ERR_SSL_') ? code : message;
}
