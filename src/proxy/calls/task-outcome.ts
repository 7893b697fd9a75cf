/** How a call ends that became a task (wire.md §2.11): by its final result alone, whichever message brings it. */
import type { SentCall } from '../../engine/arrival.ts';
import { answerIn, type CallAnswer, enforceAnswer, isClaimed, statusIn } from '../../engine/enforce-answer.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { NotificationFrame, ResponseFrame } from '../../mcp/messages/frame.ts';
import { taskOpenedBy } from '../requests/own-tasks.ts';
import { settle } from '../settle.ts';
import type { Session } from '../state.ts';

/** Characters of a task's id (wire.md §2.13). */
const MAX_NAME = 1_024;

/** Keeps the call until its task ends. */
export function keepTask(frame: ResponseFrame, call: SentCall, session: Session): void {
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
 * and only a success settles it: of a failure the task's status tells (policy.md §6). SECURITY: an agent can make a server
 * refuse or abandon the question (params it cannot read, a cancelled request), with any code, and a server can say `isError`
 * while the task still works; that frees no counter.
 */
export async function settleByAnswer(method: string, taskId: string | undefined, frame: ResponseFrame, session: Session): Promise<void> {
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
export async function settleByNotification(frame: NotificationFrame, session: Session): Promise<void> {
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
async function settleTask(taskId: string, call: SentCall, answer: CallAnswer | undefined, session: Session): Promise<void> {
  const { outcome } = answer ? enforceAnswer(call, answer) : {};
  if (!outcome) return;
  const { tasks, ports } = session;
  // A task that succeeded does not fail afterwards.
  if (outcome.result !== 'committed' && tasks.isAwaited(taskId)) return;
  if (outcome.result === 'committed' && isClaimed(call) && outcome.text === undefined) return tasks.awaitResult(taskId, ports.clock());
  tasks.take(taskId);
  await settle([{ call, outcome }], session);
}
