/**
 * Each page of the console as one document: its script bundled, its styles put together, and the content security policy that lets the
 * browser run exactly these. They are kept as modules in the sources, since neither runtime can bundle when it starts from them.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ROOT } from './paths.ts';

interface Bundle {
  /** The folder of its index.html and main.ts. */
  readonly folder: string;
  /** The module that holds it. */
  readonly built: string;
}

/** The pages, each with what it needs and no more. */
const BUNDLES: readonly Bundle[] = ['src/console', 'src/console/setup'].map((path) => {
  const folder = join(ROOT, path);
  return { folder, built: join(folder, 'built.ts') };
});

/** Writes the modules anew. */
export async function writeConsole(): Promise<void> {
  for (const { folder, built } of BUNDLES) writeFileSync(built, await renderBundle(folder));
}

/** Throws where a module is not what the sources give. */
export async function checkConsole(): Promise<void> {
  for (const { folder, built } of BUNDLES)
    if (readFileSync(built, 'utf8') !== (await renderBundle(folder)))
      throw new Error(`${relative(ROOT, built)} is not what its sources give; write it with "npm run console"`);
}

/** The text of the module. */
async function renderBundle(folder: string): Promise<string> {
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  const [style, withStyle] = inlineStyles(folder, page);
  const script = await bundleScript(folder);
  const tag = '<script type="module" src="./main.ts"></script>';
  if (!withStyle.includes(tag)) throw new Error(`index.html has no ${tag}`);
  const html = withStyle.replace(tag, () => `<script type="module">${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data:',
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return `/** Written by "npm run console" from index.html, main.ts and the styles; not to be edited. */
export const DOCUMENT = ${JSON.stringify(html)};

/** Its content security policy: its own script and style by hash, requests to itself, and nothing else. */
export const POLICY = ${JSON.stringify(policy)};
`;
}

/** Puts all style sheets into the place of the first. */
function inlineStyles(folder: string, page: string): readonly [style: string, page: string] {
  const link = /^ *<link rel="stylesheet" href="(\.\.?\/[^"]+)">\n/gm;
  const names = [...page.matchAll(link)].map(([, name = '']) => name);
  const style = names.map((name) => readFileSync(join(folder, name), 'utf8').replace(/^\/\*.*?\*\/\n/s, '')).join('');
  if (style === '' || style.includes('</')) throw new Error('the styles are empty, or would end their element');
  let first = true;
  const inlined = page.replace(link, () => {
    const element = first ? `<style>${style}</style>\n` : '';
    first = false;
    return element;
  });
  return [style, inlined];
}

async function bundleScript(folder: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [join(folder, 'main.ts')],
    target: 'browser',
    format: 'esm',
    minify: { whitespace: true, syntax: true, identifiers: false },
  });
  const [output] = outputs;
  if (!output || outputs.length !== 1) throw new Error(`the console's script has ${outputs.length} files`);
  const text = (await output.text()).trim();
  // SECURITY: the hash is of what the browser takes for the script, which must end where ours does.
  if (/<\/script|<!--/i.test(text)) throw new Error('the script would end its element');
  return text;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
