/** The key under which a store keeps a pause: a policy may well be called `all`. */
export function scopeOf(policy: string | undefined): string {
  return policy === undefined ? 'all' : `policy:${policy}`;
}
