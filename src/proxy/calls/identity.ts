/** What makes two calls the same one (policy.md §12), and a retry the continuation of a call (wire.md §2.12). */
import type { Call } from '../../core/decision.ts';
import { identityText } from '../../core/fingerprint.ts';
import type { ProxyDeps } from '../deps.ts';

type Naming = Pick<ProxyDeps, 'namespace' | 'upstream' | 'credential' | 'sha256'>;

/** Alike for the same call of the same agent to the same server. */
export function fingerprintOf(call: Call, deps: Naming): string {
  return deps.sha256(textOf(call, deps));
}

/** What a retry has to have in common with the leg that it continues: the same call, and the state it was given. */
export function legKey(call: Call, state: string | undefined, deps: Naming): string {
  return state === undefined ? fingerprintOf(call, deps) : deps.sha256(`${textOf(call, deps)}\n${state}`);
}

function textOf({ agent, tool, args }: Call, { namespace, upstream, credential }: Naming): string {
  return identityText({ namespace, upstream, agent, credential, tool, args });
}
