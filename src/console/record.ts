/** The page of one record. */
import type { ApprovalView, ArgumentRow, RecordState, ShownRecord } from './api.ts';
import { type App, showRefusal } from './app.ts';
import { armOnceSeen, decisionForm } from './decision.ts';
import { agentName, type Child, h, heading, heard, optional, pieces, plainText } from './elements.ts';
import { openTimes, type Times } from './times.ts';

/** The page looks so often what became of the record, ms. */
const LOOK = 2_000;
const LAST_MINUTE = 60_000;

/** Shows the record, and shows it anew once it has been decided or is over. */
export async function showRecord(app: App, id: string): Promise<void> {
  const { frame } = app;
  const reply = await app.ask<ShownRecord>('GET', `record/${id}`);
  if (reply === null) return;
  frame.setSignedIn(true);
  if (reply.kind === 'refused') return showRefusal(frame, reply);
  const record = reply.value;
  const times = openTimes();
  const pending = record.state === 'pending';
  const again = () => void showRecord(app, id);
  const form = pending ? decisionForm(app, record, again) : undefined;
  const view = frame.show(pending ? 'Approve this call?' : `Call ${record.state}`, [
    recordCard(record, times),
    ...(form ? form.nodes : []),
  ]);
  markLong();
  view.every(1_000, () => {
    times.tick();
    markLong();
  });
  if (!form) return;
  if (record.mayDecide) armOnceSeen(view, form.arm);
  follow(app, id, again);
}

/** Watches a pending record. */
function follow({ frame, ask }: App, id: string, again: () => void): void {
  const view = frame.current();
  let warned = false;
  view?.every(LOOK, async () => {
    const next = await ask<RecordState>('GET', `state/${id}`);
    if (!view.isShown() || next?.kind !== 'ok') return;
    const { state, expiresIn } = next.value;
    if (state !== 'pending') {
      frame.announce(`This call was ${state === 'consumed' ? 'approved, and has gone through' : state}.`);
      again();
    } else if (expiresIn < LAST_MINUTE && !warned) {
      warned = true;
      frame.announce('Less than a minute is left.');
    }
  });
}

/** All of a record but the decision. */
function recordCard(record: ApprovalView, times: Times): HTMLElement {
  return h(
    'article',
    { class: 'card' },
    outcome(record),
    heading(record.state === 'pending' ? 'Approve this call?' : 'The call'),
    h('p', { class: 'tool' }, heard('Tool '), pieces(record.tool)),
    timeLeft(record, times),
    warnings(record.warnings),
    h('h2', {}, 'Arguments'),
    argumentList(record.rows),
    record.meta.length > 0 ? [h('h2', {}, 'Beside the arguments, in _meta'), argumentList(record.meta)] : null,
    h('h2', {}, 'Why it waits'),
    record.rules.map(({ rule, message }) => [h('p', {}, pieces(message)), h('p', { class: 'soft' }, 'Rule ', pieces(rule))]),
    h('h2', {}, 'Approving overrides'),
    overrides(record.overrides),
    h('p', { class: 'soft' }, 'While it runs, the tool may ask for more input; what is then given is not part of this decision.'),
    h('h2', {}, 'Who asks'),
    facts(record),
  );
}

const OUTCOMES = { approved: 'Approved', denied: 'Denied', expired: 'Expired', consumed: 'Approved, and gone through' } as const;

function outcome({ state, decided }: RecordState): Child {
  if (state === 'pending') return null;
  const by = decided && state !== 'expired' ? ` by ${decided.by}, ${new Date(decided.at).toLocaleString()}` : '';
  return h(
    'div',
    { class: `state ${state}` },
    h('p', {}, OUTCOMES[state] + by),
    decided?.reason ? h('p', {}, `Reason: ${decided.reason}`) : null,
    state === 'approved' ? h('p', { class: 'soft' }, 'The agent may now repeat this very call, once.') : null,
  );
}

function facts(record: ApprovalView): HTMLElement {
  const rows: readonly (readonly [string, Child])[] = [
    ['Agent', agentName(record)],
    ['Server', pieces(record.upstream)],
    ['Policy', h('span', {}, optional(record.policy, 'without a name'), ' ', h('span', { class: 'soft' }, record.revision))],
    ['Client', optional(record.client, 'did not say')],
    ['Asked', new Date(record.createdAt).toLocaleString()],
    ['Record', h('span', { class: 'text' }, record.id)],
    ...(record.attempts > 0 ? [['Tries', `${record.attempts} of ${record.retries + 1}`] as const] : []),
  ];
  return h(
    'dl',
    { class: 'facts' },
    rows.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  );
}

function timeLeft({ state, expiresIn, wholeTime }: RecordState, times: Times): Child {
  if (state !== 'pending' && state !== 'approved') return null;
  const what = state === 'pending' ? 'Time left to decide' : 'Time left to repeat it';
  return [
    h('p', { class: 'left' }, h('span', { class: 'soft' }, what), times.left(expiresIn)),
    times.bar(expiresIn, Math.max(wholeTime, 1)),
  ];
}

function warnings(texts: readonly string[]): Child {
  if (texts.length === 0) return null;
  return h(
    'ul',
    { class: 'warnings', 'aria-label': 'Look closely' },
    texts.map((text) => h('li', {}, text)),
  );
}

function overrides(list: ApprovalView['overrides']): Child {
  if (list.length === 0) return h('p', { class: 'soft' }, 'Nothing: every other rule was checked, and is checked again.');
  return h(
    'ul',
    {},
    list.map((text) => h('li', {}, pieces(text))),
  );
}

/** The list of all values; an empty object is none. */
function argumentList(rows: readonly ArgumentRow[]): HTMLElement {
  const [first] = rows;
  const none = first === undefined || (rows.length === 1 && first.path.length === 0 && first.value.length === 0);
  return none ? h('p', { class: 'soft' }, 'None.') : h('dl', { class: 'args' }, rows.map(argument));
}

function argument({ path, type, value, twin }: ArgumentRow): Child {
  const isEmpty = value.length === 0;
  return h(
    'div',
    {},
    h('dt', {}, pieces(path), h('span', { class: 'type' }, type), twin ? h('span', { class: 'twin' }, 'looks like another name') : null),
    h('dd', isEmpty ? { class: 'none' } : { 'data-name': plainText(path) }, isEmpty ? null : pieces(value)),
  );
}

/** Marks each value that does not fit its box: it says so, and can be scrolled by keys. */
function markLong(): void {
  for (const box of document.querySelectorAll<HTMLElement>('.args dd')) {
    if (box.scrollHeight <= box.clientHeight + 1 || box.tabIndex === 0) continue;
    box.tabIndex = 0;
    box.setAttribute('role', 'region');
    box.setAttribute('aria-label', `value of ${box.getAttribute('data-name')}`);
    box.previousElementSibling?.append(h('span', { class: 'more' }, 'scroll to read all of it'));
  }
}
