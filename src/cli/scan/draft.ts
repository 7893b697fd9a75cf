/** A scan as it is printed, and the policy that is drafted from it (setup.md §2). */
import { CommandError, EXIT } from '../../core/fault.ts';
import { draftPolicy } from '../../setup/draft/draft.ts';
import { sumRisks } from '../../setup/draft/header.ts';
import type { LeftOut, ScannedServer, ServerOrigin } from '../../setup/draft/model.ts';
import { slugOf } from '../../setup/init/slug.ts';
import { identifyPackage } from '../../setup/library/package.ts';
import { writePolicy } from '../../setup/policy-file.ts';
import { createPaint, shown } from '../paint.ts';
import type { Terminal } from '../terminal.ts';
import type { ScanFlags, Scanned } from './flags.ts';
import { renderInventory } from './inventory.ts';
import { scanJson } from './json.ts';

/** Columns where nobody says how many there are. */
const COLUMNS = 100;
/** Tools that were left out and are named. */
const MOST_NAMED = 20;

/** Writes or prints the policy, or prints the inventory. */
export function showScan(scanned: Scanned, flags: ScanFlags, terminal: Terminal): number {
  const { server, risks } = scanned;
  const { output, preset = 'scaffold', force, json } = flags;
  const name = nameOf(flags, server);
  const { text, leftOut } = draftPolicy(server, risks, { name, preset, date: today(), origin: originOf(flags, server, terminal) });
  reportLeftOut(leftOut, terminal);
  if (output !== undefined) writePolicy(output, text, force);
  if (json) terminal.out(JSON.stringify(scanJson({ server, risks, leftOut, written: output, update: undefined }), null, 2));
  else if (output === undefined && (flags.policy || !terminal.isTty)) printPolicy(text, scanned, terminal);
  else printInventory(scanned, flags, terminal);
  return EXIT.done;
}

/** Names the library's policy for the package that was started, where there is one. */
export async function offerLibrary({ command = [] }: ScanFlags, terminal: Terminal): Promise<void> {
  if (identifyPackage(command, terminal.env).kind !== 'package') return;
  try {
    const [{ openLibrary }, { matchCommand }] = await Promise.all([
      import('../../setup/library/library.ts'),
      import('../../setup/library/match.ts'),
    ]);
    const match = matchCommand(openLibrary().entries, command, terminal.env);
    if (match.kind === 'none') return;
    const { id, package: name, version } = match.entry;
    terminal.err(`the library has a policy for ${name} ${version}: intercept policies add ${id}`);
  } catch (error) {
    // A program that came without its library has none to offer.
    if (!(error instanceof CommandError)) throw error;
  }
}

/** The day of a draft. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function reportLeftOut(leftOut: readonly LeftOut[], terminal: Terminal): void {
  for (const { name, why } of leftOut.slice(0, MOST_NAMED)) terminal.err(`left out: ${shown(JSON.stringify(name), 1_100)}: ${why}`);
  if (leftOut.length > MOST_NAMED) terminal.err(`and ${leftOut.length - MOST_NAMED} more are left out`);
}

function printPolicy(text: string, { risks }: Scanned, terminal: Terminal): void {
  terminal.write(text);
  if (terminal.isErrTty) terminal.err(sumRisks(risks));
}

function printInventory({ server, risks }: Scanned, { output, preset = 'scaffold' }: ScanFlags, terminal: Terminal): void {
  const paint = createPaint(terminal.colour);
  for (const line of renderInventory(server, risks, terminal.size()?.columns ?? COLUMNS, paint)) terminal.out(line);
  terminal.out('');
  if (output !== undefined)
    terminal.out(`wrote ${shown(output, 500)} (${preset}); enforce it: intercept -c ${shown(output, 500)} -- COMMAND`);
  else terminal.out(paint('dim', 'to begin a policy: -o policy.yaml, with --preset suggested for its limits'));
}

/** The name that the policy's state is kept under: what the server calls itself, else its package. */
function nameOf({ command = [] }: ScanFlags, { info }: ScannedServer): string {
  const started = identifyPackage(command);
  return slugOf(info?.name || (started.kind === 'package' ? started.name : 'server'));
}

function originOf({ command = [], remote }: ScanFlags, { info }: ScannedServer, terminal: Terminal): ServerOrigin {
  const started = identifyPackage(command, terminal.env);
  // SECURITY: a query, a password or an argument may be a secret, and policies are shared.
  if (started.kind !== 'package') return remote ? { command: `${remote.url.host}${remote.url.pathname}` } : {};
  const version = started.version ?? info?.version;
  return { package: started.name, ...(version && { version }) };
}
