/** What makes two calls the same one (policy.md §12), and a retry the continuation of a call (wire.md §2.12). */
import type { Call } from '../core/decision.ts';
import { beginIdentity, identityText } from '../core/fingerprint.ts';
import { canonicalInSlices } from '../core/fingerprint-slices.ts';
import type { Slices } from '../core/slices.ts';
import type { ProxyDeps } from './deps.ts';

type Place = Pick<ProxyDeps, 'namespace' | 'upstream' | 'credential'>;
type Naming = Place & Pick<ProxyDeps, 'sha256'>;

/** Alike for the same call of the same agent to the same server. */
export function fingerprintOf(call: Call, deps: Naming): string {
  return call.fingerprint ?? deps.sha256(identityText(identityOf(call, deps)));
}

/** The fingerprint of a large call, for `Call.fingerprint`. */
export function* fingerprintInSlices(
  call: Pick<Call, 'agent' | 'tool' | 'args'>,
  deps: Place & Pick<ProxyDeps, 'openSha256'>,
): Slices<string> {
  const hash = deps.openSha256();
  hash.update(beginIdentity(identityOf(call, deps)));
  yield* canonicalInSlices(call.args, (piece) => void hash.update(piece));
  hash.update(']');
  return hash.digest('hex');
}

/** What a retry has to have in common with the leg that it continues: the same call, and the state it was given. */
export function legKey(call: Call, state: string | undefined, deps: Naming): string {
  const fingerprint = fingerprintOf(call, deps);
  return state === undefined ? fingerprint : deps.sha256(`${fingerprint}\n${state}`);
}

function identityOf({ agent, tool, args }: Pick<Call, 'agent' | 'tool' | 'args'>, { namespace, upstream, credential }: Place) {
  return { namespace, upstream, agent, credential, tool, args };
}
