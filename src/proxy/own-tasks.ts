/** Whose tasks are whose, where agents share a server (wire.md §2.7): for others than the one that opened it, a task does not exist. */
import { isArray, isObject, type Json } from '../core/json.ts';
import type { NotificationFrame, RequestFrame, ServerFrame } from '../mcp/frame.ts';
import { readJson } from '../mcp/json.ts';

/** Task ids of one agent that are remembered, ended ones among them. */
const MAX_OWN = 8_192;
/** Characters of a task's id (wire.md §2.13). */
const MAX_NAME = 1_024;

export interface OwnTasks {
  readonly isEmpty: boolean;
  add(taskId: string): void;
  has(taskId: string): boolean;
}

export function createOwnTasks(): OwnTasks {
  const ids = new Set<string>();
  return {
    get isEmpty() {
      return ids.size === 0;
    },
    add(taskId) {
      if (taskId.length > MAX_NAME) return;
      // The newest are the last, and the first are forgotten.
      ids.delete(taskId);
      ids.add(taskId);
      for (const oldest of ids)
        if (ids.size > MAX_OWN) ids.delete(oldest);
        else break;
    },
    has: (taskId) => ids.has(taskId),
  };
}

/** The task that an answer opened; undefined where it is none. */
export function taskOpenedBy(frame: Extract<ServerFrame, { kind: 'response' }>): string | undefined {
  const read = (name: string) => {
    const span = frame.members.get(name);
    return span && readJson(frame.text, span.start);
  };
  const nested = read('task');
  const taskId = isObject(nested) ? nested.get('taskId') : read('taskId');
  return typeof taskId === 'string' ? taskId : undefined;
}

/** Whether the message names a task that is not this agent's. SECURITY: one whose id cannot be read might be anyone's. */
export function namesForeignTask({ method, params, text }: RequestFrame | NotificationFrame, ownTasks: OwnTasks): boolean {
  const read = (name: string) => {
    const span = params.members.get(name);
    return span && readJson(text, span.start);
  };
  const isForeign = (taskId: Json | undefined) => typeof taskId !== 'string' || !ownTasks.has(taskId);
  if (method === 'subscriptions/listen') {
    const wanted = read('notifications');
    const tasks = isObject(wanted) ? (wanted.get('taskIds') ?? []) : [];
    return !isArray(tasks) || tasks.some(isForeign);
  }
  return method.startsWith('tasks/') && method !== 'tasks/list' && isForeign(read('taskId'));
}
