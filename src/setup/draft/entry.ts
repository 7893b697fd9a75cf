/** One tool as it stands under `tools`: comments, key and rules; open, or closed, which is the same as a comment. */
import { isSecretName } from '../../audit/secrets.ts';
import type { ScannedTool, ToolRisk } from '../risk/risk.ts';
import { parameterLines, parametersOf } from './parameters.ts';
import { returnsSecrets } from './rules.ts';
import { commentOf, firstSentence, quoted } from './text.ts';

/** A tool's texts, which no choice changes. */
export interface ToolText {
  readonly key: string;
  readonly description: string;
  readonly parameters: readonly string[];
  readonly notes: readonly string[];
}

/** The steps in which less is said of each tool: a policy holds 1 MiB at most. */
export const DETAILS = ['all', 'description', 'none'] as const;
export type Detail = (typeof DETAILS)[number];

const STEP = '  ';

/** Reads what is said of a tool. */
export function textOf(tool: ScannedTool, risk: ToolRisk): ToolText {
  const parameters = parameterLines(parametersOf(tool.inputSchema));
  return {
    key: quoted(tool.name),
    description: firstSentence(tool.description ?? ''),
    parameters: parameters.length === 0 ? ['(no parameters)'] : parameters,
    notes: notesOf(risk),
  };
}

function notesOf(risk: ToolRisk): readonly string[] {
  const open = risk.secretArguments.filter(isUnmasked);
  return [
    ...(risk.unsure ? [`Unsure: nothing says what it does, so it is taken for ${risk.risk}.`] : []),
    ...(returnsSecrets(risk) ? ['Sensitive: it returns secrets.'] : []),
    ...(open.length === 0
      ? []
      : [
          commentOf(
            `Secret arguments that the audit does not mask (start intercept with --audit-args hash): ${open.map(quoted).join(', ')}`,
          ),
        ]),
  ];
}

const WORDS = /phrase|mnemonic|seed/i;

/** The audit masks by name, and no value with blanks in it (cli.md §2). */
function isUnmasked(argument: string): boolean {
  return WORDS.test(argument) || !isSecretName(argument);
}

/** The lines of an entry that lets the tool be called by its rules. */
export function openEntry(text: ToolText, rules: readonly string[], detail: Detail = 'all'): readonly string[] {
  return [...comments(text, detail), ...body(text.key, rules)];
}

/** The lines of an entry that is a comment: whoever takes the `# ` away from key and rules opens it. */
export function closedEntry(text: ToolText, rules: readonly string[], detail: Detail = 'all'): readonly string[] {
  return [...comments(text, detail), ...body(text.key, rules).map((line) => `# ${line}`)];
}

function comments({ description, parameters, notes }: ToolText, detail: Detail): readonly string[] {
  const said = detail === 'none' || description === '' ? [] : [description];
  return [...said, ...(detail === 'all' ? parameters.map((line) => `${STEP}${line}`) : []), ...notes].map((line) => `# ${line}`);
}

function body(key: string, rules: readonly string[]): readonly string[] {
  if (rules.length === 0) return [`${key}:`, `${STEP}rules: []`];
  return [`${key}:`, `${STEP}rules:`, ...rules.map((line) => STEP + STEP + line)];
}
