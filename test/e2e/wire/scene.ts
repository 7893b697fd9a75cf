/** What is attacked: a policy, a server, and what may not come of it. */
import type { Entry, RecorderConfig } from '../../harness/recorder/config.ts';
import type { Attack } from './attack.ts';

/** Attacks under one policy. */
export interface Scene {
  readonly policy: string;
  readonly server: Pick<RecorderConfig, 'tools' | 'methods' | 'capabilities'>;
  /** Where the proxy keeps its files decides what some attacks name. */
  readonly attacks: (own: OwnFiles) => readonly Attack[];
  /** Whether the policy denies what the server did. */
  readonly isForbidden: (entry: Entry) => boolean;
  /** All is paused before the first attack; fences are pings then. */
  readonly paused?: true;
}

export interface OwnFiles {
  readonly home: string;
  readonly policyFile: string;
}

/** The scene of wire.md §2: `safe` may be called up to an amount of 10, and no other tool. */
export function wireScene(policy: string, all: readonly Attack[]): Scene {
  return { policy, server: { tools: [{ name: 'safe' }, { name: 'danger' }] }, attacks: () => all, isForbidden };
}

/** Whether it is anything but a harmless call of `safe`. */
export function isForbidden(entry: Entry): boolean {
  if (entry.type !== 'executed') return false;
  const amount = (entry.arguments as { readonly amount?: unknown } | undefined)?.amount;
  return entry.tool !== 'safe' || !(typeof amount === 'number' && amount <= 10);
}
