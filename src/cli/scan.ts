/** `intercept scan`: what a server can do, and a policy for it (setup.md §2). */

import { foldersOf } from '../authoring/policy-file.ts';
import { CommandError, EXIT, reasonOf } from '../core/fault.ts';
import { loadPolicyText } from '../policy/load.ts';
import { draftPolicy } from '../setup/draft/draft.ts';
import { sumRisks } from '../setup/draft/header.ts';
import type { Preset, ScannedServer, ServerOrigin } from '../setup/draft/model.ts';
import { type PolicyUpdate, updatePolicy } from '../setup/draft/update.ts';
import { slugOf } from '../setup/init/slug.ts';
import { identifyPackage } from '../setup/library/package.ts';
import { readWhole, refuseExisting, writePolicy } from '../setup/policy-file.ts';
import { classifyTools, type ToolRisk } from '../setup/risk/risk.ts';
import { scanServer } from '../setup/scan.ts';
import type { AskedServer } from '../setup/server-tools.ts';
import { renderDiagnostics } from './diagnostics.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import { renderInventory } from './scan-inventory.ts';
import { scanJson } from './scan-json.ts';
import { openProgress } from './scan-progress.ts';
import { renderUpdate } from './scan-update.ts';
import type { Terminal } from './terminal.ts';

export interface ScanFlags extends AskedServer {
  readonly output: string | undefined;
  /** Undefined where none was written. */
  readonly preset: Preset | undefined;
  readonly policy: boolean;
  readonly force: boolean;
  readonly update: boolean;
  readonly check: boolean;
  readonly timeout: number;
  readonly json: boolean;
}

/** Columns where nobody says how many there are. */
const COLUMNS = 100;
/** Tools that were left out and are named. */
const MOST_NAMED = 20;

/** Scans the server and prints or writes what was asked for. */
export async function scan(flags: ScanFlags, terminal: Terminal): Promise<number> {
  const { output, update, force, json } = flags;
  const paint = createPaint(terminal.colour);
  if (output !== undefined && !update && !force) refuseExisting(output);
  const before = update && output !== undefined ? await loadEdited(output, paint, terminal) : undefined;
  const server = await scanIt(flags, terminal);
  const risks = classifyTools(server.tools);
  if (output !== undefined && before !== undefined) return mergeInto(output, before, { server, risks }, flags, terminal);
  const draft = draftPolicy(server, risks, {
    name: nameOf(flags, server),
    preset: flags.preset ?? 'scaffold',
    date: today(),
    origin: originOf(flags, server, terminal),
  });
  for (const { name, why } of draft.leftOut.slice(0, MOST_NAMED)) terminal.err(`left out: ${shown(JSON.stringify(name), 1_100)}: ${why}`);
  if (draft.leftOut.length > MOST_NAMED) terminal.err(`and ${draft.leftOut.length - MOST_NAMED} more are left out`);
  if (output !== undefined) writePolicy(output, draft.text, force);
  if (json) terminal.out(JSON.stringify(scanJson({ server, risks, leftOut: draft.leftOut, written: output, update: undefined }), null, 2));
  else if (output === undefined && (flags.policy || !terminal.isTty)) printPolicy(draft.text, risks, terminal);
  else printInventory(server, risks, output, flags, terminal);
  return EXIT.done;
}

async function scanIt(flags: ScanFlags, terminal: Terminal): Promise<ScannedServer> {
  const progress = openProgress(terminal);
  try {
    return await scanServer(flags, terminal.env, { timeout: flags.timeout, onProgress: progress.show });
  } finally {
    progress.end();
  }
}

function printPolicy(text: string, risks: readonly ToolRisk[], terminal: Terminal): void {
  terminal.write(text);
  if (terminal.isErrTty) terminal.err(sumRisks(risks));
}

function printInventory(
  server: ScannedServer,
  risks: readonly ToolRisk[],
  output: string | undefined,
  { preset }: ScanFlags,
  terminal: Terminal,
): void {
  const paint = createPaint(terminal.colour);
  for (const line of renderInventory(server, risks, terminal.size()?.columns ?? COLUMNS, paint)) terminal.out(line);
  terminal.out('');
  if (output === undefined)
    terminal.out(paint('dim', 'write a policy: add -o policy.yaml, and --preset suggested for one that limits, asks and denies'));
  else terminal.out(`wrote ${shown(output, 500)} (${preset ?? 'scaffold'}); enforce it: intercept -c ${shown(output, 500)} -- COMMAND`);
}

/** The policy that is to be updated; throws where it is none. Its diagnostics are printed. */
async function loadEdited(file: string, paint: Paint, terminal: Terminal): Promise<string> {
  const text = readWhole(file);
  const { policy, diagnostics } = await loadPolicyText(text, foldersOf(file));
  if (policy) return text;
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  for (const line of renderDiagnostics({ file, text, diagnostics: errors }, paint)) terminal.err(line);
  throw new CommandError(`${file} is no valid policy, and was left as it is`, EXIT.invalidPolicy);
}

interface Scanned {
  readonly server: ScannedServer;
  readonly risks: readonly ToolRisk[];
}

async function mergeInto(file: string, before: string, { server, risks }: Scanned, flags: ScanFlags, terminal: Terminal): Promise<number> {
  const update = updatePolicy(before, server, risks, { preset: flags.preset, date: today() });
  await refuseBroken(file, update);
  const isWritten = update.text !== before && !flags.check;
  if (isWritten) writePolicy(file, update.text, true);
  const written = isWritten ? file : undefined;
  if (flags.json) terminal.out(JSON.stringify(scanJson({ server, risks, leftOut: update.leftOut, written, update }), null, 2));
  else for (const line of renderUpdate(file, update, isWritten, createPaint(terminal.colour))) terminal.out(line);
  const { added, gone, changed } = update;
  return added.length + gone.length + changed.length > 0 ? EXIT.changed : EXIT.done;
}

/** A merge that makes an invalid policy of a valid one is not written. */
async function refuseBroken(file: string, { text }: PolicyUpdate): Promise<void> {
  const { policy, diagnostics } = await loadPolicyText(text, foldersOf(file));
  const [first] = diagnostics.filter(({ severity }) => severity === 'error');
  if (!policy) throw new CommandError(`${file} would be no valid policy: ${reasonOf(first)}; it was left as it is`, EXIT.failed);
}

/** The name that the policy's state is kept under: what the server calls itself, else its package. */
function nameOf({ command = [] }: ScanFlags, { info }: ScannedServer): string {
  const started = identifyPackage(command);
  return slugOf(info?.name || (started.kind === 'package' ? started.name : 'server'));
}

function originOf({ command = [], remote }: ScanFlags, { info }: ScannedServer, terminal: Terminal): ServerOrigin {
  const started = identifyPackage(command, terminal.env);
  const own = started.kind === 'package' ? started.version : undefined;
  // SECURITY: a query, a password or an argument may be a secret, and policies are shared.
  if (started.kind !== 'package') return remote ? { command: `${remote.url.host}${remote.url.pathname}` } : {};
  return { package: started.name, ...((own ?? info?.version) && { version: own ?? info?.version ?? '' }) };
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
