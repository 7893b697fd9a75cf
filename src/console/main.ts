/** The console in the browser: which page stands under which path, and the way there through the sign-in. */
import { type App, KEY, type Method, send } from './app.ts';
import { openFrame } from './frame.ts';
import { showList } from './list.ts';
import { showRecord } from './record.ts';
import { askApprover, askToken } from './sign-in.ts';

interface Page {
  readonly path: RegExp;
  /** `part`: what the path's group matched. */
  show(app: App, part: string): Promise<void>;
}

const PAGES: readonly Page[] = [
  { path: /^\/approvals\/([\w-]+)$/, show: showRecord },
  { path: /^/, show: showList },
];

const BASE = '/approvals/page/';

const frame = openFrame(async () => {
  await send(frame, 'DELETE', `${BASE}session`);
  localStorage.removeItem(KEY);
  signIn();
});

const app: App = {
  frame,
  async ask<T>(method: Method, path: string, body?: object) {
    const view = frame.current();
    const reply = await send<T>(frame, method, BASE + path, body);
    if (reply.kind === 'ok' || reply.status !== 401) return reply;
    if (frame.current() === view) signIn();
    return null;
  },
  askApprover: () => askApprover(frame, (secret) => app.ask('POST', 'approver', { secret }), start),
};

function signIn(): void {
  askToken(frame, (mayDecide) => (mayDecide ? start() : app.askApprover()));
}

function start(): void {
  for (const { path, show } of PAGES) {
    const match = path.exec(location.pathname);
    if (match) return void show(app, match[1] ?? '');
  }
}

if (localStorage.getItem(KEY)) start();
else signIn();
