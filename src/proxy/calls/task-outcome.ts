/** How a call ends that became a task (wire.md §2.11): by its final result alone, whichever message brings it. */
import { isObject, type Json, type JsonObject } from '../../core/json.ts';
import type { ServerFrame } from '../../mcp/messages/frame.ts';
import { resultText } from '../../mcp/messages/reply.ts';
import { readMember } from '../../mcp/messages/values.ts';
import { taskOpenedBy } from '../requests/own-tasks.ts';
import { isClaimed, type Outcome, outcomeOf, type SentCall, settle } from '../settle.ts';
import type { Session } from '../state.ts';

/** Characters of a task's id (wire.md §2.13). */
const MAX_NAME = 1_024;

type Response = Extract<ServerFrame, { kind: 'response' }>;

/** Keeps the call until its task ends. */
export function keepTask(frame: Response, call: SentCall, session: Session): void {
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

/** Settles by the answer to `tasks/result`, `tasks/get` or `tasks/cancel`. */
export async function settleByAnswer(method: string, taskId: string | undefined, frame: Response, session: Session): Promise<void> {
  if (taskId === undefined) return;
  const outcome =
    method === 'tasks/result'
      ? finalOutcome(frame)
      : frame.outcome === 'result'
        ? statusOutcome((name) => readMember(frame, name))
        : undefined;
  const text = () => resultText(frame.text, method === 'tasks/result' ? frame.result : frame.members.get('result'));
  if (outcome) await settleTask(taskId, outcome, text, session);
}

/** Settles by a status notification. */
export async function settleByNotification(frame: Extract<ServerFrame, { kind: 'notification' }>, session: Session): Promise<void> {
  const read = (name: string) => readMember(frame, name);
  const taskId = read('taskId');
  const outcome = statusOutcome(read);
  const text = () => resultText(frame.text, frame.params.members.get('result'));
  if (typeof taskId === 'string' && outcome) await settleTask(taskId, outcome, text, session);
}

/**
 * `text` reads the result's JSON text, which is kept of an idempotent call. SPEC: policy.md §9 — where a status without it
 * says that the task succeeded (2025-11-25), the call waits for the result to be fetched, which is what its repeats get.
 */
async function settleTask(taskId: string, outcome: Outcome, text: () => string | undefined, session: Session): Promise<void> {
  const { tasks, deps } = session;
  const call = tasks.get(taskId);
  if (!call) return;
  // A task that succeeded does not fail afterwards.
  if (tasks.isAwaited(taskId) && outcome.result !== 'committed') return;
  const result = isClaimed(call) ? text() : undefined;
  if (outcome.result === 'committed' && isClaimed(call) && result === undefined) return tasks.awaitResult(taskId, deps.clock());
  tasks.take(taskId);
  await settle([{ call, outcome: { ...outcome, text: result } }], session);
}

/**
 * `tasks/result` answers with the call's own result. Only a success settles it: of a failure the task's status tells
 * (policy.md §6). SECURITY: an agent can make a server refuse or abandon the question (params it cannot read, a cancelled
 * request), with any code, and a server can say `isError` while the task still works; that frees no counter.
 */
function finalOutcome(frame: Response): Outcome | undefined {
  const outcome = frame.outcome === 'error' ? undefined : outcomeOf(frame);
  return outcome?.result === 'committed' ? outcome : undefined;
}

/** The status of a task, of either form. A completed one may carry the result (2026-07-28). */
function statusOutcome(read: (name: string) => Json | undefined): Outcome | undefined {
  switch (read('status')) {
    case 'completed': {
      const result = read('result');
      return isObject(result) && isFailure(result) ? { result: 'released', error: 'isError' } : { result: 'committed' };
    }
    case 'failed':
      return { result: 'released', error: 'task failed' };
    case 'cancelled':
      return { result: 'kept', error: 'task cancelled' };
    default:
      return undefined;
  }
}

function isFailure(result: JsonObject): boolean {
  return result.get('isError') === true;
}
