/** `intercept log --verify`: whether the audit is as it was written (cli.md §2). */
import { basename, join } from 'node:path';
import { type ChainVerdict, type CheckedChain, verifyFolder } from '../audit/evidence/verify.ts';
import { EXIT } from '../core/fault.ts';
import { createPaint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

interface Sum {
  chains: number;
  files: number;
  records: number;
  empty: number;
  broken: number;
}

/** Follows all chains. Says what is to be said of one of them, and at the end what they come to. */
export async function verifyLog({ home, json }: { readonly home: string; readonly json: boolean }, terminal: Terminal): Promise<number> {
  const dir = join(home, 'events');
  const paint = createPaint(terminal.colour);
  const sum: Sum = { chains: 0, files: 0, records: 0, empty: 0, broken: 0 };
  for await (const chain of verifyFolder(dir)) {
    add(sum, chain);
    if (json) terminal.out(renderJson(chain));
    else for (const note of notesOf(chain)) terminal.out(note);
    await terminal.flush();
  }
  const verdict = sum.broken === 0 ? paint('green', 'intact') : paint('red', `${sum.broken} of ${counted(sum.chains, 'chain')} broken`);
  if (!json)
    terminal.out(
      sum.files === 0
        ? `nothing to verify: no audit files in ${JSON.stringify(dir)}`
        : `${verdict}: ${total(sum)} in ${JSON.stringify(dir)}`,
    );
  return sum.broken === 0 ? EXIT.done : EXIT.failed;
}

function add(sum: Sum, { files, verdict }: CheckedChain): void {
  sum.chains++;
  sum.files += files.length;
  if (!verdict.ok) sum.broken++;
  else {
    sum.records += verdict.records;
    if (verdict.records === 0) sum.empty++;
  }
}

function total({ chains, files, records, empty, broken }: Sum): string {
  const parts = [...(broken === 0 ? [counted(records, 'record'), counted(chains, 'chain')] : []), counted(files, 'file')];
  return `${parts.join(', ')}${empty === 0 ? '' : ` (${empty} without a record)`}`;
}

/** Lists what a person should know of a chain: nothing of one that is whole. */
function notesOf({ files, verdict }: CheckedChain): readonly string[] {
  const last = nameOf(files.at(-1));
  if (!verdict.ok) return [`broken: ${placeOf(verdict)}: ${verdict.why}`];
  return [
    ...(verdict.begins > 1 ? [`${nameOf(files[0])} begins with record ${verdict.begins}: older files of its chain have ended`] : []),
    ...(verdict.torn ? [`${last} ends within a record, as a process leaves it that is killed or still writes: no fault`] : []),
  ];
}

function placeOf({ file, line }: Extract<ChainVerdict, { ok: false }>): string {
  return line === undefined ? nameOf(file) : `${nameOf(file)}:${line}`;
}

/** One chain in one line, with every name: `last` is what to note elsewhere, so that lines cut off at the end show. */
function renderJson({ files, verdict }: CheckedChain): string {
  const [whole, broken] = verdict.ok ? [verdict] : [undefined, verdict];
  return JSON.stringify({
    files,
    ok: verdict.ok,
    begins: whole?.begins ?? null,
    records: whole?.records ?? null,
    last: whole?.last ?? null,
    torn: whole?.torn ?? null,
    file: broken?.file ?? null,
    line: broken?.line ?? null,
    why: broken?.why ?? null,
  });
}

function nameOf(file: string | undefined): string {
  return shown(basename(file ?? ''));
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
