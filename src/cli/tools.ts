/** `intercept tools`: what a server offers, and what the policy makes of each tool (cli.md §1). */
import { type JudgedTool, judgeTools, sumTools, VERDICTS, type Verdict } from '../authoring/tool-verdicts.ts';
import { EXIT } from '../core/fault.ts';
import { isArray, isObject, type Json } from '../core/json.ts';
import type { Policy } from '../core/policy.ts';
import type { ListedTool } from '../mcp/messages/lists.ts';
import { type AskedServer, listServerTools } from '../setup/server-tools.ts';
import { loadPolicy } from './diagnostics.ts';
import { createPaint, type Paint, shown } from './paint.ts';
import type { Terminal } from './terminal.ts';

export interface ToolsOptions extends AskedServer {
  readonly config: string | undefined;
  readonly timeout: number;
  readonly json: boolean;
}

const HEADINGS: Readonly<Record<Verdict, string>> = {
  free: 'called freely',
  rules: 'called within rules',
  approval: 'may need approval',
  denied: 'denied',
  hidden: 'hidden, and denied when called',
};
/** Columns where nobody says how many there are. */
const COLUMNS = 100;
const MOST_NAME = 40;

/** Asks the server and prints its tools. */
export async function showTools({ config, timeout, json, ...server }: ToolsOptions, terminal: Terminal): Promise<number> {
  const paint = createPaint(terminal.colour);
  const policy = config === undefined ? undefined : await loadPolicy(config, terminal);
  if (config !== undefined && !policy) return EXIT.invalidPolicy;
  const tools = await listServerTools(server, terminal.env, timeout);
  if (json) terminal.out(`{"tools":[${tools.map(({ definition }) => `\n${definition}`).join(',')}\n]}`);
  else for (const line of render(tools, policy, terminal.size()?.columns ?? COLUMNS, paint)) terminal.out(line);
  return EXIT.done;
}

function render(tools: readonly ListedTool[], policy: Policy | undefined, columns: number, paint: Paint): readonly string[] {
  if (tools.length === 0) return ['the server has no tools'];
  const names = tools.map(({ name }) => name);
  const width = Math.min(MOST_NAME, Math.max(0, ...names.map((name) => shown(name, MOST_NAME).length)));
  const line = (tool: ListedTool, note: string) => renderTool(tool, note, width, columns, paint);
  if (!policy) return [...tools.flatMap((tool) => line(tool, '')), '', `${tools.length} tool${tools.length === 1 ? '' : 's'}`];
  const judged = judgeTools(policy, names);
  const groups = VERDICTS.flatMap((verdict) => {
    const own = judged.flatMap((each, index) => (each.verdict === verdict ? [[each, tools[index] as ListedTool] as const] : []));
    if (own.length === 0) return [];
    return [paint('bold', HEADINGS[verdict]), ...own.flatMap(([each, tool]) => line(tool, noteOf(each))), ''];
  });
  return [...groups, shown(sumTools(judged), 1000)];
}

function noteOf({ verdict, rules }: JudgedTool): string {
  return rules === 0 || verdict === 'hidden' ? '' : `${rules} rule${rules === 1 ? '' : 's'}`;
}

/** The name, its note, and its arguments on as many lines as they need. */
function renderTool({ name, inputSchema }: ListedTool, note: string, width: number, columns: number, paint: Paint): readonly string[] {
  const indent = `  ${' '.repeat(width)}  `;
  const lines = wrap([...(note === '' ? [] : [`[${note}]`]), ...argumentsOf(inputSchema)], Math.max(20, columns - indent.length));
  const [first = '', ...others] = lines;
  const begin = `  ${paint('cyan', shown(name, MOST_NAME).padEnd(width))}  ${first}`.trimEnd();
  return [begin, ...others.map((line) => `${indent}${line}`)];
}

function wrap(words: readonly string[], columns: number): readonly string[] {
  const lines: string[] = [];
  for (const [index, word] of words.entries()) {
    const part = index < words.length - 1 && !word.startsWith('[') ? `${word},` : word;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + part.length <= columns) lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(shown(part, columns));
  }
  return lines;
}

/** `amount: number`, `note?: string`: those that the schema requires come without a question mark. */
function argumentsOf(schema: Json | undefined): readonly string[] {
  const properties = isObject(schema) ? (schema.get('properties') ?? null) : null;
  if (!isObject(properties)) return [];
  const required = isObject(schema) ? (schema.get('required') ?? null) : null;
  const isRequired = (name: string) => isArray(required) && required.includes(name);
  return [...properties].map(([name, property]) => `${shown(name, MOST_NAME)}${isRequired(name) ? '' : '?'}${typeOf(property)}`);
}

function typeOf(property: Json): string {
  if (!isObject(property)) return '';
  const type = property.get('type') ?? null;
  const types = isArray(type) ? type.filter((each) => typeof each === 'string').join('|') : typeof type === 'string' ? type : undefined;
  const named = types ?? (property.has('enum') ? 'enum' : undefined);
  return named === undefined ? '' : `: ${shown(named, MOST_NAME)}`;
}
