/** Calls that become tasks, in the form of 2025-11-25 (core, nested) and of 2026-07-28 (extension, flat). */
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, answerError, type Call, complete, type Io } from './behave.ts';
import type { Behaviour, TaskEnd } from './config.ts';

const EXTENSION = 'io.modelcontextprotocol/tasks';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const RELATED = 'io.modelcontextprotocol/related-task';

type TaskBehaviour = Behaviour & { readonly do: 'task' };

interface Task {
  readonly taskId: string;
  readonly end: TaskEnd;
  readonly notify: boolean;
  readonly createdAt: string;
  polls: number;
  status: 'working' | TaskEnd['status'];
}

export interface Tasks {
  /** The answer that makes the call a task; undefined where the caller did not opt in. */
  open(behaviour: TaskBehaviour, call: Call): Answer | undefined;
  /** Answers `tasks/*`; undefined for other methods. */
  answer(method: string, call: Call): Promise<Answer | undefined>;
}

/** Opens an empty table of tasks. */
export function openTasks(io: Io): Tasks {
  const tasks = new Map<string, Task>();
  const open = (behaviour: TaskBehaviour, call: Call) => {
    if (!behaviour.unasked && !optedIn(call)) return undefined;
    const task: Task = {
      taskId: `task-${tasks.size + 1}`,
      end: behaviour.end,
      notify: behaviour.notify ?? false,
      createdAt: new Date().toISOString(),
      polls: 0,
      status: 'working',
    };
    tasks.set(task.taskId, task);
    const shown = show(task, call.era);
    return complete(call, call.era === 'modern' ? { resultType: 'task', ...shown } : { task: shown });
  };
  const answer = async (method: string, call: Call) => {
    if (!method.startsWith('tasks/')) return undefined;
    if (method === 'tasks/list') return complete(call, { tasks: [...tasks.values()].map((task) => show(task, call.era)) });
    const task = tasks.get(String(call.params.taskId));
    if (!task) return answerError(call, -32602, `no such task: ${call.params.taskId}`);
    if (method === 'tasks/cancel') return cancel(task, call);
    if (method === 'tasks/update' && call.era === 'modern') return complete(call, {});
    if (method === 'tasks/get') return poll(task, call, io);
    if (method === 'tasks/result' && call.era === 'legacy') return finalResult(task, call);
    return answerError(call, -32601, `method not found: ${method}`);
  };
  return { open, answer };
}

function optedIn(call: Call): boolean {
  if (call.era === 'legacy') return typeof call.params.task === 'object';
  const meta = call.params._meta as Readonly<Record<string, { readonly extensions?: object }>> | undefined;
  return EXTENSION in (meta?.[CAPABILITIES]?.extensions ?? {});
}

/** A task as its era shows it. */
function show(task: Task, era: Call['era']): object {
  const { taskId, status, createdAt } = task;
  const times = era === 'modern' ? { ttlMs: 60_000, pollIntervalMs: 10 } : { ttl: 60_000, pollInterval: 10 };
  return { taskId, status, createdAt, lastUpdatedAt: createdAt, ...times };
}

function poll(task: Task, call: Call, io: Io): Answer {
  task.polls += 1;
  const over = task.end.file ? existsSync(task.end.file) : task.polls >= (task.end.polls ?? 1);
  const ends = over && task.status === 'working';
  if (ends) task.status = task.end.status;
  const shown = { ...show(task, call.era), ...(call.era === 'modern' && outcome(task)) };
  if (ends && task.notify) {
    io.write({ jsonrpc: '2.0', method: call.era === 'modern' ? 'notifications/tasks' : 'notifications/tasks/status', params: shown });
  }
  return complete(call, shown);
}

/** 2025-11-25: blocks until the task is over, then is the call's own answer. */
async function finalResult(task: Task, call: Call): Promise<Answer> {
  while (task.end.file && task.status === 'working' && !existsSync(task.end.file)) await pause(5);
  if (task.status === 'working') task.status = task.end.status;
  if (task.end.error) return answerError(call, task.end.error.code, task.end.error.message);
  if (task.status === 'cancelled') return answerError(call, -32602, 'the task was cancelled');
  return complete(call, { ...resultOf(task), _meta: { [RELATED]: { taskId: task.taskId } } });
}

function cancel(task: Task, call: Call): Answer {
  if (task.status !== 'working') return answerError(call, -32602, `the task is already ${task.status}`);
  task.status = 'cancelled';
  return complete(call, call.era === 'modern' ? {} : show(task, 'legacy'));
}

function outcome(task: Task): object {
  if (task.status === 'completed') return { result: resultOf(task) };
  return task.status === 'failed' ? { error: task.end.error ?? { code: -32603, message: 'failed' } } : {};
}

function resultOf(task: Task): object {
  return task.end.result ?? { content: [{ type: 'text', text: `${task.taskId} is done` }] };
}
