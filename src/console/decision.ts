/** The form that decides on a record. */
import type { ShownRecord } from './api.ts';
import { type App, NAME } from './app.ts';
import { h } from './elements.ts';
import type { View } from './frame.ts';

/** The buttons count once the record has been in sight for so long, ms; the server asks for the same. */
const SHOWN = 1_000;
const STEP = 100;

export interface DecisionForm {
  /** The fields, and below them the buttons, which stay in sight on a small screen. */
  readonly nodes: readonly HTMLElement[];
  /** Lets the buttons count. */
  arm(): void;
}

/** Makes the form; `again` shows the record anew. */
export function decisionForm(app: App, record: ShownRecord, again: () => void): DecisionForm {
  const name = h('input', { id: 'name', autocomplete: 'name', maxlength: '200', value: localStorage.getItem(NAME) ?? '' });
  const reason = h('textarea', { id: 'reason', rows: '2', maxlength: '2000', 'aria-describedby': 'reason-hint' });
  const deny = h('button', { class: 'no', type: 'button', disabled: '' }, 'Deny');
  const approve = h('button', { class: 'yes', type: 'button', disabled: '' }, 'Approve');
  const alert = h('p', { class: 'alert', role: 'alert' });
  const enable = (on: boolean) => {
    deny.disabled = !on;
    approve.disabled = !(on && record.complete);
  };
  const decide = async (verdict: 'approve' | 'deny') => {
    enable(false);
    alert.textContent = '';
    const as = name.value.trim();
    if (as) localStorage.setItem(NAME, as);
    const reply = await app.ask('POST', `decide/${record.id}`, { verdict, as, reason: reason.value });
    if (reply === null) return;
    if (reply.kind === 'ok' || reply.code === 'not_pending') {
      app.frame.announce(reply.kind === 'refused' ? reply.message : verdict === 'approve' ? 'Approved.' : 'Denied.');
      return again();
    }
    alert.textContent = reply.message;
    enable(true);
  };
  approve.addEventListener('click', () => decide('approve'));
  deny.addEventListener('click', () => decide('deny'));
  const fields = h(
    'form',
    { class: 'card decide', 'aria-labelledby': 'decide' },
    h('h2', { id: 'decide' }, 'Your decision'),
    [h('label', { for: 'name' }, 'Your name'), name],
    h('label', { for: 'reason' }, 'Reason'),
    h('p', { class: 'hint', id: 'reason-hint' }, 'Optional. The agent is told the reason of a denial.'),
    reason,
  );
  fields.addEventListener('submit', (event) => event.preventDefault());
  const actions = h(
    'div',
    { class: 'actions', role: 'group', 'aria-labelledby': 'decide' },
    record.mayDecide ? null : unlock(app),
    alert,
    h('div', { class: 'buttons' }, deny, approve),
  );
  return { nodes: [fields, actions], arm: () => enable(true) };
}

function unlock({ askApprover }: App): HTMLElement {
  const button = h('button', { type: 'button' }, 'Enter the approver secret');
  button.addEventListener('click', askApprover);
  return h('p', { class: 'alert' }, 'Deciding needs the approver secret. ', button);
}

/** SECURITY: a click that was meant for something else must not decide what has just appeared. */
export function armOnceSeen(view: View, arm: () => void): void {
  let seen = 0;
  view.every(STEP, () => {
    if (seen > SHOWN) return;
    seen = document.visibilityState === 'visible' ? seen + STEP : 0;
    if (seen > SHOWN) arm();
  });
}
