/** The policy in force, and its file on disk (cli.md §1). INVARIANT I8: a whole valid policy is taken, or the old one kept. */
import { statSync } from 'node:fs';
import { foldersOf, readPolicyFile, renderDiagnostic } from '../authoring/policy-file.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { createMatcher } from '../core/match.ts';
import type { Policy } from '../core/policy.ts';
import type { Every } from '../core/ticker.ts';
import type { Log, PolicySource, Rulebook } from '../engine/ports.ts';
import { loadPolicyText } from '../policy/load.ts';
import type { Reload } from '../serve/transport.ts';
import { watchFolders } from './folder-hints.ts';
import { lookUpPolicy } from './policy-text.ts';

/** The policy as the proxy enforces it, or why it cannot take one that is valid in itself. */
export type Acceptance = (policy: Policy) => { readonly policy: Policy } | { readonly refusal: string };

export type FirstLoad =
  | {
      readonly kind: 'loaded';
      readonly policy: Policy;
      readonly diagnostics: readonly Diagnostic[];
      /** The file as it was before it was read. */
      readonly seen?: string | undefined;
    }
  | { readonly kind: 'failed'; readonly errors: readonly string[] };

/** Loads the policy to start with. `errors` are lines for people. */
export async function loadFirst(path: string, accept: Acceptance): Promise<FirstLoad> {
  const seen = signature(path);
  const read = await lookUpPolicy(path);
  if (read.kind === 'unreadable')
    return { kind: 'failed', errors: [`${path}: ${read.why}${read.help === undefined ? '' : `\nhelp: ${read.help}`}`] };
  const loaded = await loadText(path, read.text, accept);
  return loaded.kind === 'loaded' ? { ...loaded, seen } : loaded;
}

async function loadText(path: string, text: string, accept: Acceptance): Promise<FirstLoad> {
  const { policy, diagnostics } = await loadPolicyText(text, foldersOf(path));
  if (!policy)
    return {
      kind: 'failed',
      errors: diagnostics.filter(({ severity }) => severity === 'error').map((found) => renderDiagnostic(path, found)),
    };
  const accepted = accept(policy);
  return 'policy' in accepted
    ? { kind: 'loaded', policy: accepted.policy, diagnostics }
    : { kind: 'failed', errors: [`${path}: ${accepted.refusal}`] };
}

export interface WatchOptions {
  readonly path: string;
  readonly first: Policy;
  /** The file as it was when `first` was read: what changed since then, during the start, is taken too. */
  readonly seen: string | undefined;
  readonly accept: Acceptance;
  readonly log: Log;
  readonly every: Every;
  readonly onReload: (event: Reload) => void;
}

export interface WatchedPolicy extends PolicySource {
  /** Why the file on disk is not in force, or undefined where it is. */
  rejected(): string | undefined;
  stop(): void;
}

/** ms between looks at the file where nothing hints at a change, and the least between two looks. */
const RULE = 2_000;
const SOONEST = 200;
/** ms between a hint and the look: what is written in several steps hints several times. */
const HINTED = 20;
/** ms between two equal readings, and until a deleted policy no longer holds. */
const SETTLE = 100;
const MISSING_GRACE = 2_000;

/**
 * Watches the file by looking at it: editors replace files in too many ways for notifications to be trusted. They hint at
 * when to look, so that an edit is seen at once and an idle proxy sleeps.
 */
export function watchPolicy({ path, first, accept, log, every, onReload, ...rest }: WatchOptions): WatchedPolicy {
  const inForce: { current: Rulebook | undefined } = { current: rulebookOf(first) };
  let { seen } = rest;
  let missingSince: number | undefined;
  let rejected: string | undefined;

  const reject = (errors: readonly string[]) => {
    rejected = errors.join('\n');
    log.warn('the changed policy is not taken, the last good one stays in force:');
    for (const line of rejected.split('\n')) log.warn(line);
    onReload({ kind: 'rejected', why: rejected });
  };
  const take = async (text: string) => {
    const loaded = await loadText(path, text, accept);
    if (loaded.kind === 'failed') return reject(loaded.errors);
    rejected = undefined;
    if (inForce.current?.policy.revision === loaded.policy.revision) return;
    const before = inForce.current;
    const after = rulebookOf(loaded.policy);
    inForce.current = after;
    log.info(`policy reloaded, revision ${loaded.policy.revision}`);
    onReload({ kind: 'taken', before, after });
  };
  /** Answers with the ms until the next look, as `look` does. */
  const lookMissing = () => {
    missingSince ??= performance.now();
    const left = missingSince + MISSING_GRACE - performance.now();
    if (!inForce.current) return RULE;
    if (left > 0) return Math.min(left + 1, RULE);
    const before = inForce.current;
    inForce.current = undefined;
    rejected = 'the policy file is missing';
    log.error(`${path} is gone: every call is denied until it is back`);
    onReload({ kind: 'missing', before });
    return RULE;
  };
  const look = async () => {
    const now = signature(path);
    if (now === undefined) return lookMissing();
    if (now === seen && missingSince === undefined) return RULE;
    const read = await readSettled(path);
    if (!read) return SOONEST;
    seen = now;
    missingSince = undefined;
    if (read.kind === 'text') await take(read.text);
    else reject([`${path}: ${read.why}`]);
    return RULE;
  };
  const looks = openLooks(look, every, (error) => log.error(`the policy file could not be watched: ${String(error)}`));
  const hints = watchFolders(path, looks.hint);
  looks.start(hints.renew);
  const stop = () => {
    looks.stop();
    hints.stop();
  };
  return Object.assign(inForce, { rejected: () => rejected, stop });
}

/** A policy that is no file never changes. */
export function keepPolicy(policy: Policy): WatchedPolicy {
  return { current: rulebookOf(policy), rejected: () => undefined, stop() {} };
}

/** Looks one after the other: by the rule, or sooner where the last one says so, or something hints at a change. */
function openLooks(look: () => Promise<number> | number, every: Every, failed: (error: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let isHinted = false;
  let isBusy = false;
  let isOver = false;
  let before = () => {};
  const after = (ms: number) => {
    clearTimeout(timer);
    timer = ms < RULE ? setTimeout(() => void run(), ms).unref() : undefined;
  };
  const hinted = () => Math.max(HINTED, lookedAt + SOONEST - performance.now());
  const run = async () => {
    timer = undefined;
    isBusy = true;
    isHinted = false;
    lookedAt = performance.now();
    let next = RULE;
    try {
      before();
      next = await look();
    } catch (error) {
      failed(error);
    }
    isBusy = false;
    if (!isOver) after(isHinted ? hinted() : next);
  };
  const stopRule = every(RULE, () => {
    if (!isBusy && timer === undefined) void run();
  });
  return {
    /** `first` is called before each look. */
    start(first: () => void) {
      before = first;
      after(0);
    },
    hint() {
      if (isHinted) return;
      isHinted = true;
      if (!isBusy && !isOver) after(hinted());
    },
    stop() {
      isOver = true;
      stopRule();
      clearTimeout(timer);
    },
  };
}

function rulebookOf(policy: Policy): Rulebook {
  return { policy, match: createMatcher(policy) };
}

/** A file that is still being written reads differently 100 ms later; then it is looked at again. */
async function readSettled(path: string): Promise<ReturnType<typeof readPolicyFile> | undefined> {
  const first = readPolicyFile(path);
  await new Promise((resolve) => setTimeout(resolve, SETTLE));
  const second = readPolicyFile(path);
  if (first.kind !== 'text' || second.kind !== 'text') return second.kind === 'unreadable' && !second.missing ? second : undefined;
  return first.text === second.text ? second : undefined;
}

/**
 * A text that changes with every edit; undefined while there is no file. One that cannot be looked at is an edit as well: it
 * cannot be read either, which is said once.
 */
function signature(path: string): string | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
    return stat && `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'inaccessible';
  }
}
