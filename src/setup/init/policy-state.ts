/** Judges the file of a policy: it is there, valid and enforced, or not. */
import { foldersOf, readPolicyFile } from '../../authoring/policy-file.ts';
import type { Policy } from '../../core/policy.ts';
import { loadPolicyText } from '../../policy/load.ts';

export interface PolicyState {
  readonly path: string;
  readonly text: string | undefined;
  readonly policy: Policy | undefined;
  /** Why it is not enforced; undefined where it is. */
  readonly fault: string | undefined;
}

/** Reads and judges it. Never throws. */
export async function readPolicyState(path: string): Promise<PolicyState> {
  const read = readPolicyFile(path);
  if (read.kind === 'unreadable')
    return { path, text: undefined, policy: undefined, fault: `its policy ${JSON.stringify(path)} ${read.why}` };
  const { policy, diagnostics } = await loadPolicyText(read.text, foldersOf(path));
  const [error] = diagnostics.filter(({ severity }) => severity === 'error');
  return { path, text: read.text, policy, fault: faultOf(path, policy, error?.message) };
}

function faultOf(path: string, policy: Policy | undefined, error: string | undefined): string | undefined {
  if (!policy) return `its policy ${JSON.stringify(path)} is not valid: ${error ?? 'it cannot be read'}`;
  return policy.mode === 'shadow' ? `its policy ${JSON.stringify(path)} is in shadow mode: nothing is denied` : undefined;
}
