/** `intercept status`: what runs, what was decided, what is counted and what waits (cli.md §1). */
import { EXIT } from '../core/fault.ts';
import { openStatus, type Status, type StatusSource, statusJson } from '../run/status.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import { WIDE } from './rows.ts';
import { watchScreen } from './screen.ts';
import { renderStatus, urgentOf } from './status-view.ts';
import type { Terminal } from './terminal.ts';

export interface StatusOptions extends StatusSource {
  readonly json: boolean;
  readonly watch: boolean;
}

/** Prints the status, once or each second. */
export async function showStatus(options: StatusOptions, terminal: Terminal): Promise<number> {
  const paint = createPaint(terminal.colour);
  const read = await openStatus(options);
  const draw = async (width = terminal.size()?.columns ?? WIDE) => renderStatus(await read(), width, paint);
  if (options.json) terminal.out(JSON.stringify(statusJson(await read()), null, 2));
  else if (options.watch && terminal.isTty) await watchScreen(draw, terminal);
  else print(await read(), paint, terminal);
  return EXIT.done;
}

/** Prints it once. What needs somebody is named again at the end where its lines have left the screen. */
function print(status: Status, paint: Paint, terminal: Terminal): void {
  const { columns = WIDE, rows = Number.POSITIVE_INFINITY } = terminal.size() ?? {};
  const lines = renderStatus(status, columns, paint);
  const urgent = lines.length < rows ? [] : urgentOf(status);
  const more = urgent.length === 0 ? [] : ['', paint('yellow', shown(`above: ${urgent.join(', ')}`, columns))];
  for (const line of [...lines, ...more]) terminal.out(line);
}
