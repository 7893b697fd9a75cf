/** The terminal while the person chooses on the page: its address, what it does, and the way back to the keyboard. */
import { openBrowser } from '../../setup/choose/browser.ts';
import type { Chooser } from '../../setup/choose/chooser.ts';
import type { ChoicePage } from '../../setup/choose/page.ts';
import { openKeys } from '../approvals/keys.ts';
import { columnsOf } from '../approvals/marked.ts';
import { fit } from '../approvals/table.ts';
import { createPaint, shown } from '../paint.ts';
import { openScreen } from '../screen.ts';
import type { Terminal } from '../terminal.ts';
import { pad, statusOf, wrap } from './lines.ts';

const LOOK = 1_000;
/** A tab that is in sight asks every 2 s, and one that is not once a minute: after so long it is gone, ms. */
const GONE = 180_000;
/** And after so long nobody comes back, ms. */
const GIVEN_UP = 3_600_000;
const SIZE = { columns: 80, rows: 24 };

export interface BesidePage {
  readonly chooser: Chooser;
  readonly page: ChoicePage;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

/** Waits for the page. Answers `keyboard` where the person goes on here, else once the chooser has ended. */
export async function waitForPage({ chooser, page, home, platform }: BesidePage, terminal: Terminal): Promise<'keyboard' | 'ended'> {
  const { promise: left, resolve: leave } = Promise.withResolvers<'keyboard' | 'ended'>();
  void chooser.done.then(() => leave('ended'));
  let link = page.newLink();
  let opened = openBrowser(link, { home, platform, env: terminal.env });
  const since = Date.now();
  const draw = () => screen.draw(layWaiting({ chooser, link, silence: page.silence(), isOpened: opened !== undefined }, terminal));
  const renew = () => {
    opened?.forget();
    link = page.newLink();
    opened =
      page.silence() === undefined || (page.silence() ?? 0) > GONE ? openBrowser(link, { home, platform, env: terminal.env }) : undefined;
    draw();
  };
  const read = openKeys();
  const screen = openScreen(terminal, {
    keys: (chunk) => {
      for (const key of read(chunk)) {
        const name = key.kind === 'text' ? key.text : key.kind;
        if (name === 'quit' || name === 'q') chooser.take({ kind: 'cancel' });
        else if (name === 't') leave('keyboard');
        else if (name === 'enter') renew();
      }
    },
    redraw: draw,
    leave: () => void chooser.take({ kind: 'cancel' }),
  });
  const unlisten = chooser.onChange(draw);
  const timer = setInterval(() => {
    if ((page.silence() ?? Date.now() - since) > GIVEN_UP) chooser.take({ kind: 'cancel' });
    else draw();
  }, LOOK);
  try {
    draw();
    return await left;
  } finally {
    clearInterval(timer);
    unlisten();
    opened?.forget();
    screen.close();
  }
}

interface Waiting {
  readonly chooser: Chooser;
  readonly link: string;
  readonly silence: number | undefined;
  /** A browser was asked to open it. */
  readonly isOpened: boolean;
}

function layWaiting({ chooser, link, silence, isOpened }: Waiting, terminal: Terminal): readonly string[] {
  const { columns, rows } = terminal.size() ?? SIZE;
  const paint = createPaint(terminal.colour);
  const width = columns - 1;
  const line = (text: string) => fit(text, width);
  const state = stateOf(silence, isOpened);
  const address = Array.from({ length: Math.ceil(link.length / width) }, (_, index) =>
    paint('cyan', link.slice(index * width, (index + 1) * width)),
  );
  const { servers } = chooser.state();
  const names = Math.min(Math.max(8, ...servers.map(({ server }) => columnsOf(shown(server.name)))), Math.floor(width / 3));
  const list = servers.map((one) => `  ${pad(fit(shown(one.server.name), names), names)}  ${statusOf(one, width - names - 4, paint)}`);
  const head = [
    paint('bold', line('Choose on the page')),
    '',
    ...wrap(state, width),
    '',
    ...(silence === undefined || silence > GONE ? [...address, ''] : []),
  ];
  const room = Math.max(0, rows - 2 - head.length);
  const body = [...head, ...list.slice(0, room)];
  return [
    ...body,
    ...Array<string>(Math.max(rows - 1 - body.length, 0)).fill(''),
    paint('dim', line('enter a new address   t choose here instead   q cancel')),
  ];
}

function stateOf(silence: number | undefined, isOpened: boolean): string {
  if (silence === undefined)
    return isOpened
      ? 'A browser has been asked to open this page. If it does not, open the address yourself:'
      : 'Open this address in a browser on this machine:';
  return silence > GONE
    ? 'The page does not ask for anything any more. Enter opens it again, t goes on here.'
    : 'The page is open. Go on there.';
}
