/**
 * Merges a new scan into an edited policy (setup.md §2). Lines are added and none is changed: what the author wrote stays
 * byte for byte. Pure.
 */
import { CommandError, EXIT } from '../../core/fault.ts';
import type { Risk, ScannedTool, ToolRisk } from '../risk/risk.ts';
import { careful } from './draft.ts';
import { closedEntry, openEntry, textOf } from './entry.ts';
import type { Column, LeftOut, Preset, ScannedServer } from './model.ts';
import { nameableTools } from './names.ts';
import { parameterLines, parametersOf } from './parameters.ts';
import { rulesOf, suggestedColumn } from './rules.ts';
import { type ReadPolicy, readPolicy } from './update-read.ts';

export interface UpdateOptions {
  /** New tools get its rules; without it they are closed. */
  readonly preset?: Preset | undefined;
  /** Such as `2026-11-30`. */
  readonly date: string;
}

/** A tool whose parameters are others than at the last scan. */
export interface ChangedTool {
  readonly name: string;
  /** Each as it is now; `limit gone` where it is not any more. */
  readonly parameters: readonly string[];
}

export interface PolicyUpdate {
  readonly text: string;
  readonly added: readonly { readonly name: string; readonly column: Column }[];
  /** The policy names them, and the server has them no more. */
  readonly gone: readonly string[];
  readonly changed: readonly ChangedTool[];
  /** Tools of which the policy's comments do not say what they took. */
  readonly unknown: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

/** Lines to be added before a line of the policy. */
interface Addition {
  readonly before: number;
  readonly lines: readonly string[];
}

/** Adds what is new. Throws `CommandError` where the text is no policy, or `tools` is written in a way that nothing can be added to. */
export function updatePolicy(text: string, server: ScannedServer, risks: readonly ToolRisk[], options: UpdateOptions): PolicyUpdate {
  const policy = readPolicy(text);
  const { nameable, leftOut } = nameableTools(server.tools);
  const tools = nameable.map((index) => {
    const tool = server.tools[index] as ScannedTool;
    return { tool, risk: careful(tool, risks[index] as ToolRisk) };
  });
  const fresh = tools.filter(({ tool: { name } }) => !policy.known.has(name) && !policy.covers(name));
  const names = new Set(server.tools.map(({ name }) => name));
  const found = tools.flatMap(({ tool }) => compareTool(tool, policy, options.date));
  const added = fresh.map(({ tool, risk }) => addTool(tool, risk, policy, options));
  const additions = [...found.flatMap(({ addition }) => addition ?? []), ...placed(added, policy)];
  return {
    text:
      additions.length === 0
        ? text
        : insert(
            text,
            policy,
            additions,
            added.some(({ isOpen }) => isOpen),
          ),
    added: added.map(({ name, column }) => ({ name, column })),
    gone: [...new Set([...policy.known.keys(), ...policy.named])].filter((name) => !name.includes('*') && !names.has(name)),
    changed: found.flatMap(({ changed }) => changed ?? []),
    unknown: found.flatMap(({ unknown }) => unknown ?? []),
    leftOut,
  };
}

interface Compared {
  readonly changed?: ChangedTool;
  readonly addition?: Addition;
  readonly unknown?: string;
}

/** Compares what a known tool takes with what its comments say. */
function compareTool({ name, inputSchema }: ScannedTool, policy: ReadPolicy, date: string): readonly Compared[] {
  const line = policy.known.get(name);
  if (line === undefined) return policy.covers(name) ? [{ unknown: name }] : [];
  const before = parametersAbove(line, policy.lines);
  if (!before) return [{ unknown: name }];
  const now = byName(parameterLines(parametersOf(inputSchema)));
  const parameters = [
    ...[...now].filter(([key, text]) => before.get(key) !== text).map(([, text]) => text),
    ...[...before.keys()].filter((key) => !now.has(key)).map((key) => `${key} gone`),
  ];
  if (parameters.length === 0) return [];
  const indent = /^\s*/.exec(policy.lines[line] ?? '')?.[0] ?? '';
  const lines = [`# changed ${date}:`, ...parameters.map((text) => `#   ${text}`)].map((text) => indent + text);
  return [{ changed: { name, parameters }, addition: { before: line, lines } }];
}

/** One that is cut within its name is known by all of it. */
const PARAMETER = /^\s*# {3}("(?:[^"\\]|\\.)*"|[^\s"]+|.{150,}) (?:\(|gone$|and \d+ more|#[0-9a-f]{8}$)/;
/** The body of a closed entry, which ends the comments above the next. */
const BODY = /^\s*# (?: {2}rules:| {4})/;
const NO_PARAMETERS = /^\s*# {3}\(no parameters\)$/;

/** The parameters in the comments above a line, the later ones in place of the earlier; undefined where none are named. */
function parametersAbove(line: number, lines: readonly string[]): ReadonlyMap<string, string> | undefined {
  let first = line;
  while (first > 0 && /^\s*#/.test(lines[first - 1] ?? '') && !BODY.test(lines[first - 1] ?? '')) first--;
  const comments = lines.slice(first, line).map((text) => text.replace(/\r$/, ''));
  const found = comments.flatMap((text) => (PARAMETER.test(text) ? [text.replace(/^\s*# {3}/, '')] : []));
  return found.length > 0 || comments.some((text) => NO_PARAMETERS.test(text)) ? byName(found) : undefined;
}

function byName(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const key = PARAMETER.exec(`#   ${line}`)?.[1];
    if (key === undefined) continue;
    found.delete(key);
    if (line !== `${key} gone`) found.set(key, line);
  }
  return found;
}

interface AddedTool {
  readonly name: string;
  readonly column: Column;
  readonly risk: Risk;
  readonly isOpen: boolean;
  readonly lines: readonly string[];
}

/** A new tool by its preset; without one it is closed. */
function addTool(tool: ScannedTool, risk: ToolRisk, policy: ReadPolicy, { preset }: UpdateOptions): AddedTool {
  const column = preset === undefined ? 'hide' : suggestedColumn(risk, preset).column;
  const text = textOf(tool, risk);
  const common = { name: tool.name, risk: risk.risk };
  if (column === 'hide' && policy.default === 'deny') {
    const rules = rulesOf(tool, risk, suggestedColumn(risk, 'suggested').column);
    return { ...common, column, isOpen: false, lines: ['# new', ...closedEntry(text, rules)] };
  }
  // What is not listed is allowed there: a comment would close nothing.
  const chosen = column === 'hide' ? 'deny' : column;
  return { ...common, column: chosen, isOpen: true, lines: ['# new', ...openEntry(text, rulesOf(tool, risk, chosen))] };
}

/** Puts each at the end of its group, else of `tools`, else of the file. */
function placed(added: readonly AddedTool[], policy: ReadPolicy): readonly Addition[] {
  const { place, lines, headings } = policy;
  if (added.length > 0 && place.kind === 'flow')
    throw new CommandError('"tools" is written in { }, where nothing can be added', EXIT.failed, 'write each tool on lines of its own');
  const indent = ' '.repeat(place.kind === 'block' ? place.indent : 2);
  const key = place.kind === 'none' && added.some(({ isOpen }) => isOpen) ? [{ before: lastLine(lines), lines: ['tools:'] }] : [];
  const entries = added.map(({ risk, lines: own }) => {
    const heading = headings.get(risk);
    const before =
      place.kind !== 'block' || heading === undefined || heading >= place.end ? undefined : groupEnd(heading, policy, place.end);
    const end = place.kind === 'block' ? place.end : place.kind === 'empty' ? place.line + 1 : lastLine(lines);
    return { before: before ?? end, lines: ['', ...own.map((line) => indent + line)] };
  });
  return [...key, ...entries];
}

/** The line behind the last one of a group that holds something. */
function groupEnd(heading: number, { headings, lines }: ReadPolicy, end: number): number {
  const next = Math.min(end, ...[...headings.values()].filter((line) => line > heading));
  let last = next;
  while (last > heading + 1 && lines[last - 1]?.trim() === '') last--;
  return last;
}

function lastLine(lines: readonly string[]): number {
  return lines.at(-1) === '' ? lines.length - 1 : lines.length;
}

function insert(text: string, { lines, eol, place }: ReadPolicy, additions: readonly Addition[], isOpen: boolean): string {
  const cr = eol === '\r\n' ? '\r' : '';
  const byLine = new Map<number, string[]>();
  for (const { before, lines: own } of additions) byLine.set(before, [...(byLine.get(before) ?? []), ...own.map((line) => line + cr)]);
  const result = lines.flatMap((line, index) => [...(byLine.get(index) ?? []), opened(line, index, text, place, isOpen)]);
  const after = byLine.get(lines.length);
  return after ? [...result.slice(0, -1), `${result.at(-1)}${cr}`, ...after, ''].join('\n') : result.join('\n');
}

/** `tools: {}` without its braces, where entries follow. */
function opened(line: string, index: number, text: string, place: ReadPolicy['place'], isOpen: boolean): string {
  if (!isOpen || place.kind !== 'empty' || place.to === 0 || index !== place.line) return line;
  const start = text.lastIndexOf('\n', place.from) + 1;
  return line.slice(0, place.from - start).trimEnd() + line.slice(place.to - start);
}
