/** Signing in with the admin token, and showing with the approver secret that one may decide. */
import type { SignedIn } from './api.ts';
import { type ApiReply, KEY, NAME, send } from './app.ts';
import { h, heading } from './elements.ts';
import type { Frame } from './frame.ts';

interface Question {
  readonly title: string;
  readonly why: string;
  readonly label: string;
  readonly hint: string;
  /** Sends what was typed; null: the page is another one by now. */
  readonly check: (secret: string) => Promise<ApiReply<unknown> | null>;
  readonly done: () => void;
  /** Goes on without it. */
  readonly skip?: () => void;
}

/** Asks for the admin token. */
export function askToken(frame: Frame, done: (mayDecide: boolean) => void): void {
  frame.setSignedIn(false);
  let mayDecide = false;
  askFor(frame, {
    title: 'Sign in',
    why: 'Only a person may decide on held calls.',
    label: 'Admin token',
    hint: 'The token is in the file admin.token in the folder of Intercept, usually ~/.intercept.',
    async check(secret) {
      const reply = await send<SignedIn>(frame, 'POST', '/approvals/page/session', { secret });
      if (reply.kind === 'refused') return reply;
      const { key, operator } = reply.value;
      mayDecide = reply.value.mayDecide;
      localStorage.setItem(KEY, key);
      if (!localStorage.getItem(NAME)) localStorage.setItem(NAME, operator);
      return reply;
    },
    done: () => done(mayDecide),
  });
}

/** Asks for the approver secret, which is not needed to look. */
export function askApprover(frame: Frame, check: Question['check'], done: () => void): void {
  frame.setSignedIn(true);
  askFor(frame, {
    title: 'Show that you may decide',
    why: 'Looking needs the token alone.',
    label: 'Approver secret',
    hint: 'The secret that was set with intercept approvals protect.',
    check,
    done,
    skip: done,
  });
}

function askFor(frame: Frame, { title, why, label, hint, check, done, skip }: Question): void {
  const secret = h('input', {
    type: 'password',
    id: 'secret',
    autocomplete: 'current-password',
    required: '',
    'aria-describedby': 'secret-hint',
  });
  const alert = h('p', { class: 'alert', role: 'alert', id: 'wrong' });
  const submit = h('button', { class: 'main', type: 'submit' }, title);
  const other = skip ? h('button', { type: 'button' }, 'Only look') : null;
  if (skip) other?.addEventListener('click', skip);
  const form = h(
    'form',
    { class: 'card' },
    heading(title),
    h('p', { class: 'soft' }, why),
    h('label', { for: 'secret' }, label),
    h('p', { class: 'hint', id: 'secret-hint' }, hint),
    [secret, alert],
    h('div', { class: 'buttons' }, other, submit),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    alert.textContent = '';
    submit.disabled = true;
    const reply = await check(secret.value);
    submit.disabled = false;
    if (reply === null) return;
    if (reply.kind === 'ok') return done();
    alert.textContent = reply.message;
    secret.setAttribute('aria-invalid', 'true');
    secret.select();
    secret.focus();
  });
  frame.show(title, [form], secret);
}
