/** A tool call on its way into judgement, what it holds once it was sent, and what makes two calls the same one. */
import type { ClientMeta } from '../core/client-meta.ts';
import type { Call } from '../core/decision.ts';
import { beginIdentity, identityText } from '../core/fingerprint.ts';
import { canonicalInSlices } from '../core/fingerprint-slices.ts';
import type { Offer } from '../core/offer.ts';
import type { Slices } from '../core/slices.ts';
import type { Reservation } from '../core/store.ts';
import type { Credential } from '../mcp/payments/credential.ts';
import type { Client, Ports, Served } from './ports.ts';

/** A payment for a call. */
export interface Payment {
  readonly offer: Offer;
  /** The challenge that it answers. */
  readonly challenge: string;
  /** The credential's. */
  readonly text: string;
}

/** A tool call as it arrived. */
export interface Arrival {
  readonly id: string;
  readonly call: Call;
  readonly argsText: string;
  /** Its client added this in `_meta`, and the JSON text of its `inputResponses`. */
  readonly meta?: ClientMeta | undefined;
  readonly inputs?: string | undefined;
  readonly requestId: string | undefined;
  readonly client: string | undefined;
  readonly arrivedAt: number;
  /** Held by the call that this one continues (wire.md §2.12). */
  readonly held?: Holding | undefined;
  /** It has waited for an identical call as long as it may (policy.md §9). */
  readonly waited?: boolean | undefined;
  /** Reads what it pays with. INVARIANT I8: each judgement asks, where the policy that judges limits what calls cost. */
  readonly credentials?: (() => readonly (Credential | undefined)[]) | undefined;
}

/** The payment that a call carries; `unasked`: one that nobody here was asked for (policy.md §8). */
export type Paid = Payment | 'unasked' | undefined;

/** A call whose payment was read. `failed`: the store does not say what was asked. */
export type Paying = Arrival & { readonly payment?: Paid | { readonly failed: string } };

/** Taken by a call, and held until it is settled. */
export interface Holding {
  readonly reservations: readonly Reservation[];
  /** The approval rules that a human approved this call for, as `approvedRules` names them. */
  readonly approved: readonly string[];
  /** Offered again where the payment fails. */
  readonly payment?: Payment | undefined;
  /** A rule limits what it costs, and nothing says what that is (policy.md §8). */
  readonly unpriced?: boolean | undefined;
}

/** A call that needed nothing. */
export const NO_HOLDING: Holding = { reservations: [], approved: [] };

/** A call that went to the server, as far as settling needs it: one that waits long is kept without its arguments. */
export interface SentCall {
  readonly id: string;
  readonly tool?: string | undefined;
  readonly holding: Holding;
  readonly sentAt: number;
}

/** A call that went to the server and is not settled yet. */
export interface ForwardedCall extends SentCall {
  readonly call: Call;
}

/** Names the calls of one client to one server: what makes two the same (policy.md §12), and a retry the continuation of a call (wire.md §2.12). */
export interface CallIdentity {
  /** Alike for the same call of the same agent to the same server. */
  fingerprint(call: Call): string;
  /** The fingerprint of a large call, for `Call.fingerprint`. */
  fingerprintInSlices(call: Named): Slices<string>;
  /** Names what a retry has to have in common with the call that it continues: the same call, and the state it was given. */
  continuationKey(call: Call, state: string | undefined): string;
}

type Named = Pick<Call, 'agent' | 'tool' | 'args'>;

/** Opens the identity of one client's calls. */
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
    continuationKey(call, state) {
      const print = fingerprint(call);
      return state === undefined ? print : sha256(`${print}\n${state}`);
    },
  };
}
