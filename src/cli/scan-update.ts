/** The words of `scan --update`: what is new, gone and changed in a server, and what became of it in the policy. */
import type { Column } from '../setup/draft/model.ts';
import type { PolicyUpdate } from '../setup/draft/update.ts';
import { type Colour, type Paint, shown } from './paint.ts';

const MOST_NAME = 1_024;
const MOST_PARAMETER = 120;

const BECAME: Readonly<Record<Column, string>> = {
  allow: 'allowed',
  limit: 'limited',
  approve: 'waits for approval',
  deny: 'denied, until you give it rules',
  hide: 'denied, until you open it: it stands there as a comment',
};

/** A line for each, and one that sums them up. */
export function renderUpdate(file: string, update: PolicyUpdate, isWritten: boolean, paint: Paint): readonly string[] {
  const { added, gone, changed, unknown } = update;
  const line = (colour: Colour, word: string, name: string, note: string) =>
    `${paint(colour, word.padEnd('not known'.length))}  ${shown(name, MOST_NAME)}${note && `  ${paint('dim', note)}`}`;
  return [
    ...added.map(({ name, column }) => line('yellow', 'new', name, BECAME[column])),
    ...gone.map((name) => line('red', 'gone', name, 'still in the policy')),
    ...changed.map(({ name, parameters }) =>
      line('cyan', 'changed', name, parameters.map((each) => shown(each, MOST_PARAMETER)).join('; ')),
    ),
    ...unknown.map((name) => line('dim', 'not known', name, 'no comment of the policy says what it took')),
    `${shown(file, 500)}: ${sum(update)}${isWritten ? '; written' : ''}`,
  ];
}

function sum({ added, gone, changed }: PolicyUpdate): string {
  const parts = [
    added.length > 0 && `${added.length} new`,
    gone.length > 0 && `${gone.length} gone`,
    changed.length > 0 && `${changed.length} changed`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? 'nothing changed' : parts.join(', ');
}
