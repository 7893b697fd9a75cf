/** Holds what is being chosen while the page and the terminal both look at it, until the person is done. */

import type { Diagnostic } from '../../core/diagnostic.ts';
import { loadPolicyText } from '../../policy/load.ts';
import type { LeftOut, PolicyDraft } from '../draft/model.ts';
import { beginChoosing, type ChoiceStep, type Choosing, type ChosenServer, choiceOf, startingOf, takeStep, tickedOf } from './model.ts';
import type { ChoiceRequest } from './request.ts';
import type { Choice, ScanServers, ServerState, ServerToChoose } from './servers.ts';

/** A policy as it will be written. */
export interface PolicyPreview {
  readonly text: string;
  readonly leftOut: readonly LeftOut[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface Chooser {
  state(): Choosing;
  /** Counts the changes. */
  revision(): number;
  /** Does what the person asks for. Answers with why not. */
  take(asked: ChoiceRequest): string | undefined;
  /** The policy of a server; undefined where its tools are not known. */
  preview(server: number): Promise<PolicyPreview | undefined>;
  /** Calls back after each change, until the returned function is called. */
  onChange(listener: () => void): () => void;
  readonly done: Promise<Choice | 'cancelled'>;
  /** The way it ended; undefined while it goes on. */
  ended(): 'done' | 'cancelled' | undefined;
}

const STARTABLE: ReadonlySet<ServerState['kind']> = new Set(['found', 'login', 'failed']);

/** Begins to choose. */
export function openChooser(servers: readonly ServerToChoose[], scan: ScanServers): Chooser {
  const { promise: done, resolve } = Promise.withResolvers<Choice | 'cancelled'>();
  const listeners = new Set<() => void>();
  const preview = keepPreviews();
  let state = beginChoosing(servers);
  let revision = 0;
  let ended: 'done' | 'cancelled' | undefined;
  const step = (taken: ChoiceStep) => {
    const next = takeStep(state, taken);
    if (next === state || ended) return;
    state = next;
    revision++;
    for (const listener of listeners) listener();
  };
  const start = (ids: readonly string[]) => {
    for (const id of ids) step({ kind: 'put', id, state: { kind: 'starting' } });
    if (ids.length > 0) scan(ids, (id, now) => step({ kind: 'put', id, state: now }));
  };
  const end = (choice: Choice | 'cancelled') => {
    ended = choice === 'cancelled' ? 'cancelled' : 'done';
    resolve(choice);
    for (const listener of listeners) listener();
    return undefined;
  };
  const take = (asked: ChoiceRequest): string | undefined => {
    if (ended) return 'it is over';
    const ids = startedBy(asked, state);
    switch (asked.kind) {
      case 'start':
        step({ kind: 'stage', stage: 'rules' });
        start(ids);
        return undefined;
      case 'retry':
        start(ids);
        return undefined;
      case 'cancel':
        return end('cancelled');
      case 'finish':
        if (startingOf(state) > 0) return 'some servers are still starting';
        return state.stage === 'mode' ? end(choiceOf(state)) : 'the last question has not been asked';
      default:
        step(asked);
        return undefined;
    }
  };
  return {
    state: () => state,
    revision: () => revision,
    take,
    preview: (server) => preview(state, server),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    done,
    ended: () => ended,
  };
}

/** The servers that are started by it: those that were ticked, or one that is not known yet. */
function startedBy(asked: ChoiceRequest, state: Choosing): readonly string[] {
  if (asked.kind === 'start') return state.stage === 'start' ? tickedOf(state) : [];
  const server = asked.kind === 'retry' && state.stage !== 'start' ? state.servers[asked.server]?.server : undefined;
  return server && STARTABLE.has(server.state.kind) ? [server.id] : [];
}

/** Drafts a policy once for what is chosen: both sides ask again and again. One per server is kept. */
function keepPreviews(): (state: Choosing, place: number) => Promise<PolicyPreview | undefined> {
  const kept = new Map<number, { readonly of: ChosenServer; readonly preview: Promise<PolicyPreview> }>();
  return async (state, place) => {
    const one = state.servers[place];
    if (one?.server.state.kind !== 'scanned') return undefined;
    const known = kept.get(place);
    if (known?.of.columns === one.columns && known.of.server === one.server) return known.preview;
    const { draft } = one.server.state;
    const preview = checkDraft(() => draft(one.columns));
    kept.set(place, { of: one, preview });
    return preview;
  };
}

async function checkDraft(draft: () => PolicyDraft): Promise<PolicyPreview> {
  const { text, leftOut } = draft();
  const { diagnostics } = await loadPolicyText(text);
  return { text, leftOut, diagnostics };
}
