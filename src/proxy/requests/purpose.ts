/** What the answer to a request will be for, as far as the request tells. */
import { isObject } from '../../core/json.ts';
import { readMember } from '../../mcp/messages/envelope.ts';
import type { RequestFrame } from '../../mcp/messages/frame.ts';
import type { Purpose } from './inflight.ts';

/** The purpose of anything but a tool call. */
export function purposeOf(frame: RequestFrame): Purpose {
  const { method } = frame;
  const member = (name: string) => readMember(frame, name);
  if (method === 'tools/list') {
    const cursor = member('cursor');
    return { kind: 'tools/list', cursor: typeof cursor === 'string' ? cursor : undefined };
  }
  if (method === 'tasks/list') return { kind: 'tasks/list' };
  if (method === 'tasks/get' || method === 'tasks/result' || method === 'tasks/cancel') {
    const taskId = member('taskId');
    return { kind: 'task', taskId: typeof taskId === 'string' ? taskId : undefined };
  }
  if (method !== 'subscriptions/listen') return { kind: 'other' };
  const wanted = member('notifications');
  return { kind: 'listen', toolChanges: isObject(wanted) && wanted.get('toolsListChanged') === true };
}
