/** The choices by keyboard: the whole terminal is taken over until the person is done, and given back as it was. */
import type { Chooser, PolicyPreview } from '../../setup/choose/chooser.ts';
import { toolsOf } from '../../setup/choose/model.ts';
import { type Key, openKeys } from '../approvals/keys.ts';
import { createPaint } from '../paint.ts';
import { openScreen } from '../screen.ts';
import type { Terminal } from '../terminal.ts';
import { AT_FIRST, type ChoiceCursor, pressChoiceKey } from './cursor.ts';
import { layChoices } from './view.ts';

/** A policy is drafted so long after the last key, ms. */
const SETTLE = 60;
/** Of a server with so many tools it takes long to check, so more keys are awaited. */
const MANY = 1_000;
const SETTLE_MANY = 800;
const SIZE = { columns: 80, rows: 24 };

/** Shows the choices until the chooser has ended. */
export async function chooseByKeyboard(chooser: Chooser, terminal: Terminal): Promise<void> {
  const paint = createPaint(terminal.colour);
  const read = openKeys();
  let cursor: ChoiceCursor = AT_FIRST;
  let notice = '';
  let preview: { readonly server: number; readonly policy: PolicyPreview | undefined } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    const policy = preview?.server === cursor.server ? preview.policy : undefined;
    screen.draw(layChoices(chooser.state(), cursor, { size: terminal.size() ?? SIZE, paint, preview: policy, notice }));
  };
  const draft = async () => {
    const { server } = cursor;
    const policy = await chooser.preview(server);
    if (chooser.ended() !== undefined || server !== cursor.server) return;
    preview = { server, policy };
    draw();
  };
  const show = () => {
    draw();
    clearTimeout(timer);
    const server = chooser.state().servers[cursor.server]?.server;
    timer = setTimeout(() => void draft(), server && toolsOf(server).length > MANY ? SETTLE_MANY : SETTLE);
  };
  const press = (key: Key) => {
    const pressed = pressChoiceKey(cursor, key, chooser.state());
    cursor = pressed.cursor;
    notice = (pressed.asked && chooser.take(pressed.asked)) ?? '';
    if (chooser.ended() === undefined) show();
  };
  const screen = openScreen(terminal, {
    keys: (chunk) => read(chunk).forEach(press),
    redraw: draw,
    leave: () => void chooser.take({ kind: 'cancel' }),
  });
  const unlisten = chooser.onChange(show);
  try {
    show();
    await chooser.done;
  } finally {
    clearTimeout(timer);
    unlisten();
    screen.close();
  }
}
