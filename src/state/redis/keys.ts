/**
 * The names of the keys (scale.md §2). They carry one hash tag: a store is one slot, so that every step is atomic also
 * where a Cluster moves it. What is of one namespace has the namespace in its name.
 */
import { createHash } from 'node:crypto';
import type { CounterRef } from '../../core/store.ts';
import type { WindowUnit } from '../../core/window.ts';

const TAG = '{intercept}:';

/** Keys of the whole store. */
export const KEYS = {
  /** Hash: schema, epoch, run, fence, newest, tick, replicas, sequence, records, events, places, stored, secret. */
  head: `${TAG}head`,
  /** Hash: instance → number of its last script that ran. */
  applied: `${TAG}applied`,
  /** Hash: instance → when it was last heard. */
  seen: `${TAG}seen`,
  /** Set: the names of all namespaces. */
  namespaces: `${TAG}namespaces`,
  /** Hash: scope → pause. */
  pauses: `${TAG}pauses`,
  /** Hash: id → the row of a running process. */
  instances: `${TAG}instances`,
  /** Sorted sets of approval records: all by place, all by id, pending and approved by their end, all by when they may go. */
  age: `${TAG}age`,
  ids: `${TAG}ids`,
  open: `${TAG}open`,
  keep: `${TAG}keep`,
  /** Stream of the records' events; hash of the tries of their deliveries. */
  events: `${TAG}events`,
  tries: `${TAG}tries`,
  /** Sorted sets of claims (their keys): by age, by when they may go, those with a result by their end; all by name. */
  claimsByAge: `${TAG}qa`,
  claimsByEnd: `${TAG}qk`,
  results: `${TAG}qr`,
  claimNames: `${TAG}qn`,
} as const;

/** An approval record: its head and what does not change, and its arguments, which may be long. */
export function approvalKeys(id: string): { readonly record: string; readonly args: string } {
  return { record: `${TAG}a:${id}`, args: `${TAG}aa:${id}` };
}

/** Events of a namespace that are to be delivered, by when. */
export function dueKey(namespace: string): string {
  return `${TAG}due:${part(namespace)}`;
}

/** Records' indexes of one namespace. */
export function recordKeys(namespace: string) {
  const ns = part(namespace);
  return {
    /** Set: records of this fingerprint that stand. */
    fingerprint: (fingerprint: string) => `${TAG}f:${ns}:${part(fingerprint)}`,
    /** Set: pending records of this call. */
    call: (call: string) => `${TAG}k:${ns}:${part(call)}`,
    /** Sorted set: pending records by their end, of one agent key, and of one name or of all without. */
    pending: (agentKey: string) => `${TAG}p:${ns}:${part(agentKey)}`,
    named: (agent: string | undefined) => (agent === undefined ? `${TAG}pu:${ns}` : `${TAG}pn:${ns}:${part(agent)}`),
    /** Sorted set: denied records by when. */
    denied: (agentKey: string, tool: string) => `${TAG}d:${ns}:${part(agentKey)}:${part(tool)}`,
  };
}

/** Counters, claims and challenges of one namespace. */
export function namespaceKeys(namespace: string) {
  const ns = part(namespace);
  return {
    /** Hash: start of the window → millionths. */
    counter: ({ unit, id }: CounterRef) => `${TAG}c:${ns}:${unit}:${part(id)}`,
    /** Sorted set: `unit:id` of each counter by when it may go. */
    counters: `${TAG}cs:${ns}`,
    /** Hash of one claim. */
    claim: (key: string) => `${TAG}q:${ns}:${part(key)}`,
    /** Hash: id → open challenge; sorted sets by end, of all and of one agent; list of those of one call. */
    challenges: `${TAG}x:${ns}`,
    challengeEnds: `${TAG}xe:${ns}`,
    challengesOf: (agentKey: string) => `${TAG}xa:${ns}:${part(agentKey)}`,
    challengesFor: (call: string) => `${TAG}xc:${ns}:${part(call)}`,
  };
}

/** A counter in the index of its namespace. */
export function counterMember({ unit, id }: CounterRef): string {
  return `${unit}:${id}`;
}

/** The counter of such a member. */
export function counterOf(member: string): CounterRef {
  const end = member.indexOf(':');
  return { unit: member.slice(0, end) as WindowUnit, id: member.slice(end + 1) };
}

/** Length first, so that no choice of names makes two keys alike; a long one is its hash. */
function part(text: string): string {
  const bytes = Buffer.byteLength(text);
  return bytes > LONGEST_PART ? `#${createHash('sha256').update(text).digest('hex')}` : `${bytes}:${text}`;
}

const LONGEST_PART = 512;
