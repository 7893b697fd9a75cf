/**
 * Opens the page in a browser. SECURITY: a command line is in every process list, so the browser gets a file that leads to
 * the page, which only this user can read (console.md §2). Where a browser cannot read it, the person opens the address.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { newSecret } from '../../admin/page/sessions.ts';

export interface BrowserPlace {
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A browser that was asked. */
export interface AskedBrowser {
  /** Removes the file. */
  forget(): void;
}

/** The program that opens a file as the person's desktop does; undefined where there is no display to open it on. */
export function browserCommand({ platform, env }: Omit<BrowserPlace, 'home'>): readonly [program: string, ...args: string[]] | undefined {
  // From another machine it would open before somebody else, or before nobody.
  if (env.SSH_CONNECTION || env.SSH_TTY) return undefined;
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined;
}

/** Asks a browser to open the address; undefined where there is none to ask. */
export function openBrowser(address: string, place: BrowserPlace): AskedBrowser | undefined {
  const command = browserCommand(place);
  if (!command) return undefined;
  const path = join(place.home, `open-${newSecret().slice(0, 12)}.html`);
  const forget = () => rmSync(path, { force: true });
  try {
    mkdirSync(place.home, { recursive: true, mode: 0o700 });
    writeFileSync(
      path,
      `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${address}"><title>Intercept</title>\n`,
      {
        flag: 'wx',
        mode: 0o600,
      },
    );
    const [program, ...args] = command;
    const child = spawn(program, [...args, place.platform === 'win32' ? path : pathToFileURL(path).href], {
      stdio: 'ignore',
      detached: true,
    });
    // A browser that cannot be started is no fault: the address stands on the terminal.
    child.on('error', () => undefined);
    child.unref();
  } catch {
    forget();
    return undefined;
  }
  process.once('exit', forget);
  return {
    forget() {
      process.removeListener('exit', forget);
      forget();
    },
  };
}
