/** What makes two calls the same one (policy.md §12), and a retry the continuation of a call (wire.md §2.12). */
import type { Call } from '../core/decision.ts';
import { beginIdentity, identityText } from '../core/fingerprint.ts';
import { canonicalInSlices } from '../core/fingerprint-slices.ts';
import type { Slices } from '../core/slices.ts';
import type { Client, Ports, Served } from './ports.ts';

/** Names the calls of one client to one server. */
export interface CallIdentity {
  /** Alike for the same call of the same agent to the same server. */
  fingerprint(call: Call): string;
  /** The fingerprint of a large call, for `Call.fingerprint`. */
  fingerprintInSlices(call: Named): Slices<string>;
  /** What a retry has to have in common with the leg that it continues: the same call, and the state it was given. */
  legKey(call: Call, state: string | undefined): string;
}

type Named = Pick<Call, 'agent' | 'tool' | 'args'>;

export function openIdentity(
  { sha256, openSha256 }: Pick<Ports, 'sha256' | 'openSha256'>,
  { namespace, upstream }: Pick<Served, 'namespace' | 'upstream'>,
  { credential }: Client,
): CallIdentity {
  const identityOf = ({ agent, tool, args }: Named) => ({ namespace, upstream, agent, credential, tool, args });
  const fingerprint = (call: Call) => call.fingerprint ?? sha256(identityText(identityOf(call)));
  return {
    fingerprint,
    *fingerprintInSlices(call) {
      const hash = openSha256();
      hash.update(beginIdentity(identityOf(call)));
      yield* canonicalInSlices(call.args, (piece) => void hash.update(piece));
      hash.update(']');
      return hash.digest('hex');
    },
    legKey(call, state) {
      const print = fingerprint(call);
      return state === undefined ? print : sha256(`${print}\n${state}`);
    },
  };
}
