/** `intercept validate`: everything that is wrong with policies, and with `--tools` or a server, with what they say of its tools. */

import { diagnosticJson } from '../authoring/as-json.ts';
import { decodePolicy } from '../authoring/policy-file.ts';
import { readToolList } from '../authoring/tool-file.ts';
import { judgeTools, sumTools } from '../authoring/tool-verdicts.ts';
import { type ValidatedFile, validateText } from '../authoring/validate.ts';
import { EXIT } from '../core/fault.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';
import { lookUpPolicy } from '../run/policy-text.ts';
import { listServerTools } from '../setup/server-tools.ts';
import { countOf, renderDiagnostics } from './diagnostics.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

export interface ValidateOptions {
  readonly strict: boolean;
  readonly json: boolean;
  /** A file with a tools/list result. */
  readonly tools: string | undefined;
  readonly server: readonly string[] | undefined;
}

/** Validates all files and prints what was found. */
export async function validate(files: readonly string[], options: ValidateOptions, terminal: Terminal): Promise<number> {
  const tools = await toolsFor(options, terminal);
  const results: ValidatedFile[] = [];
  for (const file of files)
    results.push(file === '-' ? await validateInput(terminal, tools) : await validateText(file, await lookUpPolicy(file), tools));
  if (options.json)
    terminal.out(
      JSON.stringify(
        results.map((result) => toJson(result, options.strict)),
        null,
        2,
      ),
    );
  else for (const result of results) print(result, tools, options.strict, createPaint(terminal.colour), terminal);
  return results.every((result) => isValid(result, options.strict)) ? EXIT.done : EXIT.invalidPolicy;
}

/** A policy from stdin, as editors and hooks pass one. */
async function validateInput(terminal: Terminal, tools: readonly ListedTool[] | undefined): Promise<ValidatedFile> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of terminal.input) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return validateText('(stdin)', decodePolicy(Buffer.concat(chunks)), tools);
}

async function toolsFor({ tools, server }: ValidateOptions, terminal: Terminal): Promise<readonly ListedTool[] | undefined> {
  if (tools !== undefined) return readToolList(tools);
  return server?.length ? listServerTools({ command: server, remote: undefined }, terminal.env) : undefined;
}

function isValid(result: ValidatedFile, strict: boolean): boolean {
  return result.kind === 'read' && !result.diagnostics.some(({ severity }) => strict || severity === 'error');
}

function print(result: ValidatedFile, tools: readonly ListedTool[] | undefined, strict: boolean, paint: Paint, terminal: Terminal): void {
  const file = shown(result.file, 500);
  if (result.kind === 'unreadable') {
    terminal.err(`${file}: ${paint('red', 'error:')} ${result.why}`);
    if (result.help !== undefined) terminal.err(`${paint('cyan', 'help:')} ${shown(result.help, 500)}`);
    return;
  }
  for (const line of renderDiagnostics(result, paint)) terminal.out(line);
  const count = countOf(result.diagnostics);
  if (tools && result.policy) {
    const names = tools.map(({ name }) => name);
    terminal.out(`${file}: ${shown(sumTools(judgeTools(result.policy, names)), 1000)}`);
  }
  const verdict = isValid(result, strict) ? paint('green', 'valid') : paint('red', 'invalid');
  const byStrict = isValid(result, false) && !isValid(result, strict) ? ', with --strict' : '';
  terminal.out(`${file}: ${verdict}${count && ` (${count}${byStrict})`}`);
}

function toJson(result: ValidatedFile, strict: boolean): object {
  const { file } = result;
  if (result.kind === 'unreadable') return { file, valid: false, error: result.why, diagnostics: [] };
  return { file, valid: isValid(result, strict), error: null, diagnostics: result.diagnostics.map(diagnosticJson) };
}
