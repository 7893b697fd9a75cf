/** A real browser (headless Chromium from npm), where one can be started at all. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { ROOT } from './paths.ts';

/** Where pictures are kept, in a folder for each page; ignored by git. */
const PICTURES = join(ROOT, 'test-output');

/** Why no browser can be had; undefined where one can. */
export async function whyNoBrowser(): Promise<string | undefined> {
  try {
    await (await launch()).close();
    return undefined;
  } catch (error) {
    return `no browser can be started here: ${String(error).split('\n').slice(0, 3).join(' ')}`;
  }
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** What went wrong in the page so far. */
  readonly faults: readonly string[];
  /** Keeps a picture of the whole page, or of what is in sight of it. */
  picture(name: string, part?: 'in sight'): Promise<void>;
}

/** A browser of its own with one page: this build keeps one context only. */
export async function openPage(options: BrowserContextOptions = {}, pictures = 'approval-page'): Promise<OpenPage> {
  const browser = await launch();
  const page = await (await browser.newContext(options)).newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 40[139]/.test(message.text())) faults.push(message.text());
  });
  page.setDefaultTimeout(20_000);
  return {
    page,
    faults,
    async picture(name, part) {
      const path = join(PICTURES, pictures, `${name}.png`);
      await mkdir(dirname(path), { recursive: true });
      await page.screenshot({ path, fullPage: part === undefined });
      if (!existsSync(path)) throw new Error(`no picture at ${path}`);
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function launch() {
  const { default: sparticuz } = await import('@sparticuz/chromium');
  return chromium.launch({ executablePath: await sparticuz.executablePath(), args: sparticuz.args, headless: true });
}
