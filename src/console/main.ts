/** The console in the browser: which page stands under which path, and the way there through the sign-in. */
import { type App, KEY, send } from './app.ts';
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

const frame = openFrame(async () => {
  await send(frame, 'DELETE', 'session');
  localStorage.removeItem(KEY);
  signIn();
});

const app: App = {
  frame,
  async ask<T>(...request: Parameters<App['ask']>) {
    const view = frame.current();
    const reply = await send<T>(frame, ...request);
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
