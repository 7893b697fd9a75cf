/** Calls that became tasks (wire.md §2.11): they hold what they took until their final result, whichever message brings it. */
import type { SentCall } from '../../engine/arrival.ts';
import { answerIn, type CallAnswer, enforceAnswer, isClaimed, statusIn } from '../../engine/enforce-answer.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { NotificationFrame, ResponseFrame } from '../../mcp/messages/frame.ts';
import { taskOpenedBy } from '../requests/own-tasks.ts';
import { type Settling, settle } from '../settle.ts';

/** INVARIANT I11: tasks of one session (wire.md §2.13); beyond that the oldest is given up. */
export const MAX_TASKS = 1_024;
/** The proxy waits so long for the result of a successful task that it fetches itself, ms. */
export const RESULT_TIMEOUT = 60_000;

export interface Tasks {
  /** Answers with the calls given up for it: the one that had this task id before, or the oldest of too many. */
  keep(taskId: string, call: SentCall): { readonly replaced: SentCall | undefined; readonly oldest: SentCall | undefined };
  get(taskId: string): SentCall | undefined;
  take(taskId: string): SentCall | undefined;
  /** The task succeeded, and its result is yet to come. */
  awaitResult(taskId: string, now: number): void;
  isAwaited(taskId: string): boolean;
  /** Those that succeeded and whose result did not come in time, or by `now` at all. */
  unfetched(now: number): readonly SentCall[];
  drain(): readonly SentCall[];
}

export function createTasks(): Tasks {
  const calls = new Map<string, SentCall>();
  /** Until when. */
  const awaited = new Map<string, number>();
  const take = (taskId: string) => {
    const call = calls.get(taskId);
    calls.delete(taskId);
    awaited.delete(taskId);
    return call;
  };
  return {
    keep(taskId, { id, tool, holding, sentAt }) {
      const replaced = take(taskId);
      const [first] = calls.size >= MAX_TASKS ? calls.keys() : [];
      const oldest = first === undefined ? undefined : take(first);
      // Arguments can be as large as a message, and say nothing of how the call ends.
      calls.set(taskId, { id, tool, holding, sentAt });
      return { replaced, oldest };
    },
    get: (taskId) => calls.get(taskId),
    take,
    awaitResult(taskId, now) {
      if (!awaited.has(taskId)) awaited.set(taskId, now + RESULT_TIMEOUT);
    },
    isAwaited: (taskId) => awaited.has(taskId),
    unfetched: (now) => [...awaited].flatMap(([taskId, until]) => (until <= now ? (take(taskId) ?? []) : [])),
    drain() {
      const all = [...calls.values()];
      calls.clear();
      return all;
    },
  };
}

/** Characters of a task's id (wire.md §2.13). */
const MAX_NAME = 1_024;

/** The part of a session that settling a task needs. */
interface TaskSession extends Settling {
  readonly tasks: Tasks;
}

/** Keeps the call until its task ends. */
export function keepTask(frame: ResponseFrame, call: SentCall, session: TaskSession): void {
  const taskId = taskOpenedBy(frame);
  const kept = (given: SentCall | undefined, error: string) => {
    if (given) void settle([{ call: given, outcome: { result: 'kept', error } }], session);
  };
  if (taskId === undefined || taskId.length > MAX_NAME) {
    kept(call, 'a task without an id that can be kept');
    return;
  }
  const { replaced, oldest } = session.tasks.keep(taskId, call);
  kept(replaced, 'its task id was given to another call');
  kept(oldest, 'too many tasks are under way');
}

/**
 * Settles by the answer to `tasks/result`, `tasks/get` or `tasks/cancel`. `tasks/result` answers with the call's own result,
 * and only a success settles it: the task's status reports a failure (policy.md §6). SECURITY: an agent can make a server
 * refuse or abandon the question (params it cannot read, a cancelled request), with any code, and a server can say `isError`
 * while the task still works; that frees no counter.
 */
export async function settleByAnswer(
  method: string,
  taskId: string | undefined,
  frame: ResponseFrame,
  session: TaskSession,
): Promise<void> {
  const call = taskId === undefined ? undefined : session.tasks.get(taskId);
  if (taskId === undefined || !call || frame.outcome === 'error') return;
  if (method !== 'tasks/result')
    return settleTask(
      taskId,
      call,
      statusIn((name) => readMember(frame, name), frame.text, frame.members.get('result')),
      session,
    );
  const answer = answerIn(frame);
  if (enforceAnswer(call, answer).outcome?.result === 'committed') await settleTask(taskId, call, answer, session);
}

/** Settles by a status notification. */
export async function settleByNotification(frame: NotificationFrame, session: TaskSession): Promise<void> {
  const read = (name: string) => readMember(frame, name);
  const taskId = read('taskId');
  const call = typeof taskId === 'string' ? session.tasks.get(taskId) : undefined;
  if (typeof taskId === 'string' && call)
    await settleTask(taskId, call, statusIn(read, frame.text, frame.params.members.get('result')), session);
}

/**
 * SPEC: policy.md §9 — where a status without the result says that the task succeeded (2025-11-25), an idempotent call waits
 * for the result to be fetched, which is what its repeats get.
 */
async function settleTask(taskId: string, call: SentCall, answer: CallAnswer | undefined, session: TaskSession): Promise<void> {
  const { outcome } = answer ? enforceAnswer(call, answer) : {};
  if (!outcome) return;
  const { tasks, ports } = session;
  // A task that succeeded does not fail afterwards.
  if (outcome.result !== 'committed' && tasks.isAwaited(taskId)) return;
  if (outcome.result === 'committed' && isClaimed(call) && outcome.text === undefined) return tasks.awaitResult(taskId, ports.clock());
  tasks.take(taskId);
  await settle([{ call, outcome }], session);
}

/** Settles tasks that succeeded, and whose result nobody fetched in time (policy.md §9): that they happened is known, and nothing else. */
export async function settleUnfetched(now: number, session: TaskSession): Promise<void> {
  const calls = session.tasks.unfetched(now);
  if (calls.length > 0)
    await settle(
      calls.map((call) => ({ call, outcome: { result: 'committed' } })),
      session,
    );
}
