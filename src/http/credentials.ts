/** The `Authorization` of a client: what in it says who that is, beside what pays (policy.md §8, §12). */

/** A credential's beginning, and a parameter of the one before. */
const SCHEME = /^\s*[\w!#$%&'*+.^`|~-]+(?:\s+[^\s=]|$)/;
const PARAMETER = /^\s*[\w!#$%&'*+.^`|~-]+\s*=/;
const PAYMENT = /^\s*payment(?:\s|$)/i;

/** The header without payments, which name nobody: the same agent sends another one with every call. Empty where it only pays. */
export function withoutPayments(authorization: string): string {
  if (!/payment/i.test(authorization)) return authorization;
  let isPaying = false;
  const kept = authorization.split(',').filter((part) => {
    isPaying = PAYMENT.test(part) || (isPaying && PARAMETER.test(part));
    return !isPaying && part.trim() !== '';
  });
  return kept.join(',').trim();
}

/** SECURITY: whether it names several senders, of which the server may take another than we do. */
export function namesSeveral(authorization: string): boolean {
  if (!authorization.includes(',')) return false;
  const [first = '', ...others] = withoutPayments(authorization)
    .split(',')
    .filter((part) => part.trim() !== '');
  return others.some((part) => SCHEME.test(part)) || (others.length > 0 && /^\s*bearer\s/i.test(first));
}
