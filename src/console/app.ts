/** Every page of the console is given these. */
import { h, heading } from './elements.ts';
import type { Frame } from './frame.ts';

export interface App {
  readonly frame: Frame;
  /** Asks Intercept under `/approvals/page/`. Answers null where nobody is signed in, and then shows the sign-in. */
  ask<T>(method: Method, path: string, body?: object): Promise<ApiReply<T> | null>;
  /** Asks for the approver secret, and comes back. */
  askApprover(): void;
}

export type Method = 'GET' | 'POST' | 'DELETE';

export type ApiReply<T> =
  | { readonly kind: 'ok'; readonly value: T }
  /** `status` 0: no answer came. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string };

type Refusal = Extract<ApiReply<unknown>, { kind: 'refused' }>;

/** Where the browser keeps the session's key, and the name that decisions are signed with. */
export const KEY = 'intercept-key';
export const NAME = 'intercept-name';

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string };
}

/** Sends one request to a path of ours, with the session's key. */
export async function send<T>(frame: Frame, method: Method, path: string, body?: object): Promise<ApiReply<T>> {
  const headers: Record<string, string> = { 'x-intercept-key': localStorage.getItem(KEY) ?? '' };
  if (body) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch {
    frame.setLost(true);
    return { kind: 'refused', status: 0, code: '', message: 'Intercept does not answer. Is it still running?' };
  }
  frame.setLost(response.status >= 500);
  const value: unknown = await response.json().catch(() => ({}));
  if (response.status === 200) return { kind: 'ok', value: value as T };
  const { code = '', message = `that did not work (status ${response.status})` } = (value as ErrorBody).error ?? {};
  return { kind: 'refused', status: response.status, code, message };
}

/** Shows that what was asked for was refused, in the place of the page. */
export function showRefusal(frame: Frame, { status, message }: Refusal): void {
  const title = status === 404 ? 'There is no such record' : 'That did not work';
  frame.show('Not shown', [h('div', { class: 'card' }, heading(title), h('p', {}, message))]);
}
