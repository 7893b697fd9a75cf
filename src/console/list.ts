/** The page of the calls that wait. */
import type { ApprovalIds, ApprovalLine, ApprovalList } from './api.ts';
import { type App, showRefusal } from './app.ts';
import { agentName, h, heading, pieces } from './elements.ts';
import { openTimes, type Times } from './times.ts';

/** The page looks so often whether the list has changed, ms. */
const LOOK = 2_000;

/** Shows the list, and shows it anew once it has changed. */
export async function showList(app: App): Promise<void> {
  const { frame } = app;
  const reply = await app.ask<ApprovalList>('GET', 'list');
  if (reply === null) return;
  frame.setSignedIn(true);
  if (reply.kind === 'refused') return showRefusal(frame, reply);
  const { approvals } = reply.value;
  const times = openTimes();
  const view = frame.show(approvals.length > 0 ? `(${approvals.length}) Waiting` : 'Waiting', [
    heading(titleOf(approvals.length)),
    h(
      'p',
      { class: 'soft' },
      approvals.length > 0 ? 'Calls that a rule holds until a person has decided.' : 'Calls that a rule holds appear here by themselves.',
    ),
    h(
      'ul',
      { class: 'list' },
      approvals.map((line) => cardOf(line, times)),
    ),
  ]);
  const known = approvals.map(({ id }) => id).join();
  view.every(1_000, times.tick);
  view.every(LOOK, async () => {
    const next = await app.ask<ApprovalIds>('GET', 'ids');
    if (!view.isShown() || next?.kind !== 'ok' || next.value.ids.join() === known) return;
    frame.announce('The list has changed.');
    await showList(app);
  });
}

function titleOf(count: number): string {
  if (count === 0) return 'Nothing waits';
  return count === 1 ? 'One call waits' : `${count} calls wait`;
}

/** Shows in what the call differs from others: arguments, agent, age. */
function cardOf(line: ApprovalLine, times: Times): HTMLElement {
  const { id, tool, message, rule, age, expiresIn } = line;
  return h(
    'li',
    {},
    h(
      'a',
      { href: `/approvals/${id}` },
      h('p', { class: 'top' }, h('span', { class: 'tool' }, pieces(tool)), h('span', {}, times.left(expiresIn), ' left')),
      briefArguments(line),
      h('p', {}, pieces(message)),
      h('p', { class: 'soft' }, 'Agent ', agentName(line), ' · asked ', times.age(age), ' · rule ', pieces(rule)),
    ),
  );
}

function briefArguments({ args, hasMore }: ApprovalLine): HTMLElement {
  if (args.length === 0) return h('p', { class: 'brief soft' }, 'without arguments');
  return h(
    'p',
    { class: 'brief' },
    args.map(({ path, type, value, isCut }, index) => [
      index > 0 ? ' · ' : null,
      path.length > 0 ? [h('span', { class: 'soft' }, pieces(path)), ' '] : null,
      h(type === 'number' ? 'b' : 'span', {}, value.length > 0 ? pieces(value, 'one line') : type, isCut ? '…' : null),
    ]),
    hasMore ? ' · …' : null,
  );
}
