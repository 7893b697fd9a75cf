/** Hides the tasks of one agent from the others of a shared server (wire.md §2.7): for them, a task does not exist. */

import { isArray, isObject, type Json } from '../../core/json.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { NotificationFrame, RequestFrame, ServerFrame } from '../../mcp/messages/frame.ts';
import { isModern } from '../../mcp/messages/headers.ts';
import { CAPABILITIES_KEY } from '../../mcp/messages/revisions.ts';

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
  const read = (name: string) => readMember(frame, name);
  const nested = read('task');
  const taskId = isObject(nested) ? nested.get('taskId') : read('taskId');
  return typeof taskId === 'string' ? taskId : undefined;
}

/** The tasks extension of 2026-07-28, and the methods that it has. */
const EXTENSION = 'io.modelcontextprotocol/tasks';
const METHODS: ReadonlySet<string> = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);

export interface TaskError {
  readonly code: -32601 | -32602 | -32021;
  readonly message: string;
  readonly data?: object;
}

/** Answers a request for a task that is not this agent's as a server would that never had it. */
export function foreignTaskError(frame: RequestFrame): TaskError {
  const { method } = frame;
  const isOld = !isModern(frame) || !method.startsWith('tasks/');
  if (!isOld && !METHODS.has(method)) return { code: -32601, message: `there is no method ${JSON.stringify(method)}` };
  if (!isOld && !declaresTasks(readMember(frame, '_meta')))
    return { code: -32021, message: 'tasks are an extension', data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } } };
  return { code: -32602, message: 'there is no such task' };
}

function declaresTasks(meta: Json | undefined): boolean {
  const capabilities = isObject(meta) ? meta.get(CAPABILITIES_KEY) : undefined;
  const extensions = isObject(capabilities) ? capabilities.get('extensions') : undefined;
  return isObject(extensions) && extensions.has(EXTENSION);
}

/** True where the message names a task that is not this agent's. SECURITY: one whose id cannot be read might be anyone's. */
export function namesForeignTask(frame: RequestFrame | NotificationFrame, ownTasks: OwnTasks): boolean {
  const { method } = frame;
  const read = (name: string) => readMember(frame, name);
  const isForeign = (taskId: Json | undefined) => typeof taskId !== 'string' || !ownTasks.has(taskId);
  if (method === 'subscriptions/listen') {
    const wanted = read('notifications');
    const tasks = isObject(wanted) ? (wanted.get('taskIds') ?? []) : [];
    return !isArray(tasks) || tasks.some(isForeign);
  }
  return method.startsWith('tasks/') && method !== 'tasks/list' && isForeign(read('taskId'));
}
