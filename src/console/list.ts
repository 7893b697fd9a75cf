/** The page of the calls that wait. */
import type { ApprovalLine, ApprovalList } from './api.ts';
import { type App, showRefusal } from './app.ts';
import { agentName, h, heading, pieces } from './elements.ts';
import { openTimes, type Times } from './times.ts';

/** How often the page looks whether the list has changed, ms. */
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
  const known = idsOf(approvals);
  view.every(1_000, times.tick);
  view.every(LOOK, async () => {
    const next = await app.ask<ApprovalList>('GET', 'list');
    if (!view.isShown() || next?.kind !== 'ok' || idsOf(next.value.approvals) === known) return;
    frame.say('The list has changed.');
    await showList(app);
  });
}

function titleOf(count: number): string {
  if (count === 0) return 'Nothing waits';
  return count === 1 ? 'One call waits' : `${count} calls wait`;
}

function idsOf(approvals: readonly ApprovalLine[]): string {
  return approvals.map(({ id }) => id).join();
}

function cardOf(line: ApprovalLine, times: Times): HTMLElement {
  const { id, tool, message, rule, expiresIn } = line;
  return h(
    'li',
    {},
    h(
      'a',
      { href: `/approvals/${id}` },
      h('span', { class: 'tool' }, pieces(tool)),
      h('p', {}, pieces(message)),
      h('p', { class: 'soft' }, 'Agent ', agentName(line), ' · rule ', pieces(rule), ' · ', times.left(expiresIn), ' left'),
    ),
  );
}
