/** Lets a person choose what each tool may do, on a page or by keyboard (setup.md §3.4). */
import { browserCommand } from '../../setup/choose/browser.ts';
import { openChooser } from '../../setup/choose/chooser.ts';
import { openChoicePage } from '../../setup/choose/page.ts';
import type { Choice, ScanServers, ServerToChoose } from '../../setup/choose/servers.ts';
import type { Terminal } from '../terminal.ts';
import { waitForPage } from './beside-page.ts';
import { chooseByKeyboard } from './keyboard.ts';

export interface ChooseWays {
  /** Where no browser can be opened, it is the keyboard in any case. */
  readonly way: 'page' | 'terminal';
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly scan: ScanServers;
}

/** Asks the person on this terminal. It is theirs until they are done, and then as it was. */
export async function choose(servers: readonly ServerToChoose[], ways: ChooseWays, terminal: Terminal): Promise<Choice | 'cancelled'> {
  const chooser = openChooser(servers, ways.scan);
  if (ways.way === 'terminal' || !browserCommand({ platform: ways.platform, env: terminal.env })) await chooseByKeyboard(chooser, terminal);
  else await chooseOnPage(chooser, ways, terminal);
  return chooser.done;
}

/** The page stays open where the person goes on by keyboard: both show the same choices. */
async function chooseOnPage(chooser: ReturnType<typeof openChooser>, { home, platform }: ChooseWays, terminal: Terminal): Promise<void> {
  const page = await openChoicePage(chooser, () => performance.now());
  try {
    if ((await waitForPage({ chooser, page, home, platform }, terminal)) === 'keyboard') await chooseByKeyboard(chooser, terminal);
  } finally {
    page.closeSoon();
  }
}
