/** `intercept validate`: everything that is wrong with policies, and with `--tools` or a server, with what they say of its tools. */

import { readPolicyFile } from '../authoring/policy-file.ts';
import { readToolList } from '../authoring/tool-file.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { EXIT } from '../core/fault.ts';
import type { Policy } from '../core/policy.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';
import { loadPolicyText } from '../policy/load.ts';
import { loadSchemas } from '../policy/schema/schema.ts';
import { checkServerSchemas } from '../policy/schema/server-schemas.ts';
import { checkAgainstServer } from '../policy/server.ts';
import { listServerTools } from '../setup/server-tools.ts';
import { countOf, type FileDiagnostics, renderDiagnostics } from './diagnostics.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

export interface ValidateOptions {
  readonly strict: boolean;
  readonly json: boolean;
  /** A file with a tools/list result. */
  readonly tools: string | undefined;
  readonly server: readonly string[] | undefined;
}

type Validated =
  | { readonly kind: 'read'; readonly found: FileDiagnostics }
  | { readonly kind: 'unreadable'; readonly file: string; readonly why: string };

/** Validates all files and prints what was found. */
export async function validatePolicies(files: readonly string[], options: ValidateOptions, terminal: Terminal): Promise<number> {
  const tools = await toolsFor(options, terminal);
  const results: Validated[] = [];
  for (const file of files) results.push(await validateFile(file, tools));
  if (options.json) terminal.out(JSON.stringify(results.map(toJson), null, 2));
  else for (const result of results) print(result, createPaint(terminal.colour), terminal);
  return results.some((result) => isInvalid(result, options.strict)) ? EXIT.invalidPolicy : EXIT.done;
}

async function toolsFor({ tools, server }: ValidateOptions, terminal: Terminal): Promise<readonly ListedTool[] | undefined> {
  if (tools !== undefined) return readToolList(tools);
  return server?.length ? listServerTools(server, terminal.env) : undefined;
}

async function validateFile(file: string, tools: readonly ListedTool[] | undefined): Promise<Validated> {
  const read = readPolicyFile(file);
  if (read.kind === 'unreadable') return { kind: 'unreadable', file, why: read.why };
  if (read.text.includes('\0')) return { kind: 'unreadable', file, why: 'is a binary file: a policy is YAML text' };
  const { policy, diagnostics } = await loadPolicyText(read.text);
  const about = policy && tools ? await checkTools(policy, tools) : [];
  return { kind: 'read', found: { file, text: read.text, diagnostics: [...diagnostics, ...about].toSorted(byPosition) } };
}

async function checkTools(policy: Policy, tools: readonly ListedTool[]): Promise<readonly Diagnostic[]> {
  const schemas = policy.uses.serverSchemas ? checkServerSchemas(policy, tools, await loadSchemas()) : [];
  return [...checkAgainstServer(policy, tools), ...schemas];
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  return a.position.line - b.position.line || a.position.column - b.position.column;
}

function isInvalid(result: Validated, strict: boolean): boolean {
  return result.kind === 'unreadable' || result.found.diagnostics.some(({ severity }) => strict || severity === 'error');
}

function print(result: Validated, paint: Paint, terminal: Terminal): void {
  if (result.kind === 'unreadable') {
    terminal.err(`${shown(result.file, 500)}: ${paint('red', 'error:')} ${result.why}`);
    return;
  }
  const { found } = result;
  for (const line of renderDiagnostics(found, paint)) terminal.out(line);
  const count = countOf(found.diagnostics);
  const valid = !found.diagnostics.some(({ severity }) => severity === 'error');
  terminal.out(`${shown(found.file, 500)}: ${valid ? paint('green', 'valid') : paint('red', 'invalid')}${count && ` (${count})`}`);
}

function toJson(result: Validated): object {
  if (result.kind === 'unreadable') return { file: result.file, valid: false, error: result.why, diagnostics: [] };
  const { file, diagnostics } = result.found;
  return { file, valid: !diagnostics.some(({ severity }) => severity === 'error'), diagnostics };
}
