/** A scanned server to a policy's text (setup.md §2). Pure: the same scan gives the same bytes. */
import { mayCallTools } from '../../policy/server.ts';
import type { Risk, ScannedTool, ToolRisk } from '../risk/risk.ts';
import { closedEntry, DETAILS, type Detail, openEntry, type ToolText, textOf } from './entry.ts';
import { headerOf } from './header.ts';
import type { Column, DraftOptions, LeftOut, PolicyDraft, Preset, ScannedServer } from './model.ts';
import { nameableTools } from './names.ts';
import { rulesOf, suggestedColumn } from './rules.ts';
import { quoted } from './text.ts';

export type { Column, DraftOptions, PolicyDraft, Preset, ScannedServer } from './model.ts';

/** The order of the groups. */
export const GROUPS: readonly Risk[] = ['Read', 'Write', 'Financial', 'Execute', 'Destructive'];
/** Characters of a draft; a policy of 1 MiB is refused, and its author wants room. */
const MOST_TEXT = 1_000_000;
const STEP = '  ';

/** A tool with all that a draft needs of it. */
interface DraftTool {
  readonly tool: ScannedTool;
  readonly risk: ToolRisk;
  readonly text: ToolText;
}

/** Writes the policy of a preset, with the person's choices. `risks` are the classes of the server's tools, in their order. */
export function draftPolicy(server: ScannedServer, risks: readonly ToolRisk[], options: DraftOptions): PolicyDraft {
  return openDraft(server, risks)(options);
}

/** The same for many choices on one server: what no choice changes is written once. */
export function openDraft(server: ScannedServer, risks: readonly ToolRisk[]): (options: DraftOptions) => PolicyDraft {
  const { nameable, leftOut } = nameableTools(server.tools);
  const tools = nameable.map((index): DraftTool => {
    const tool = server.tools[index] as ScannedTool;
    const risk = careful(tool, risks[index] as ToolRisk);
    return { tool, risk, text: textOf(tool, risk) };
  });
  return (options) => {
    for (const detail of DETAILS) {
      const text = write({ server, risks, tools, options, detail, leftOut });
      if (text.length <= MOST_TEXT) return { text, leftOut };
    }
    return shortened({ server, risks, tools, options, detail: 'none', leftOut });
  };
}

/** A tool that `validate` takes for one that calls others is one, whoever classified it. */
export function careful({ name, inputSchema }: ScannedTool, risk: ToolRisk): ToolRisk {
  return risk.takesToolName || !mayCallTools({ name, inputSchema }) ? risk : { ...risk, takesToolName: true };
}

interface Writing {
  readonly server: ScannedServer;
  readonly risks: readonly ToolRisk[];
  readonly tools: readonly DraftTool[];
  readonly options: DraftOptions;
  readonly detail: Detail;
  readonly leftOut: readonly LeftOut[];
}

/** Leaves out the last tools, as many as do not fit. */
function shortened(writing: Writing): PolicyDraft {
  let [fits, tooMany] = [0, writing.tools.length];
  let best = { text: '', leftOut: writing.leftOut };
  while (fits < tooMany) {
    const count = Math.ceil((fits + tooMany) / 2);
    const rest = writing.tools.slice(count).map(({ tool: { name } }) => ({ name, why: 'the policy would be over 1 MiB' }));
    const leftOut = [...writing.leftOut, ...rest];
    const text = write({ ...writing, tools: writing.tools.slice(0, count), leftOut });
    if (text.length > MOST_TEXT) tooMany = count - 1;
    else [fits, best] = [count, { text, leftOut }];
  }
  return best;
}

function write(writing: Writing): string {
  const { tools, options } = writing;
  const entries = tools.map((each) => entryOf(each, writing));
  const hidden = tools.filter((each) => isHidden(each, options));
  return [
    ...headerOf(writing),
    '',
    'version: "1"',
    `name: ${quoted(options.name)}`,
    `default: ${options.preset === 'scaffold' ? 'allow' : 'deny'}`,
    ...(hidden.length === 0 ? [] : ['hide:', ...hidden.map(({ text }) => `${STEP}- ${text.key}`)]),
    ...methodsOf(writing),
    ...toolsOf(tools, entries, options.preset),
    '',
  ].join('\n');
}

/** The requests that are no calls, where the policy denies what it does not list. */
function methodsOf({ server: { resources, prompts }, options: { preset } }: Writing): readonly string[] {
  if (preset === 'scaffold') return [];
  const verdict = (declared: boolean) => (declared && preset !== 'strict' ? 'allow' : 'deny');
  return [
    'methods:',
    `${STEP}"resources/*": ${verdict(resources)}`,
    `${STEP}"prompts/*": ${verdict(prompts)}`,
    `${STEP}"sampling/*": deny`,
  ];
}

function toolsOf(tools: readonly DraftTool[], entries: readonly (readonly string[])[], preset: Preset): readonly string[] {
  const groups = GROUPS.flatMap((risk) => {
    const own = entries.filter((_, index) => tools[index]?.risk.risk === risk);
    return own.length === 0 ? [] : [headingOf(risk), ...own.map((lines) => lines.join(`\n${STEP}`))];
  });
  const common = commonRule(tools, preset).join(`\n${STEP}`);
  // A map of comments alone is none.
  if (preset === 'scaffold' && tools.length === 0) return ['tools: {}', `${STEP}${common}`];
  return ['tools:', [common, ...groups].map((block) => `${STEP}${block}`).join('\n\n')];
}

/** The comment above a group. No other comment begins with "-". */
export function headingOf(risk: Risk): string {
  return `# --- ${risk} ---`;
}

/** A limit on all tools together; the scaffold shows one. */
function commonRule(tools: readonly DraftTool[], preset: Preset): readonly string[] {
  if (preset === 'scaffold')
    return [
      '# A limit on all tools together. To set it, remove "# " from these lines:',
      '# "*":',
      '#   rules:',
      '#     - rate_limit: 60/minute',
    ];
  const steps = tools.filter(({ risk }) => risk.step).length;
  const limit = steps > 0 && steps * 2 >= tools.length ? '300/minute' : '60/minute';
  return ['# A limit on all tools together', '"*":', '  rules:', `    - rate_limit: ${limit}`];
}

function entryOf({ tool, risk, text }: DraftTool, { options, detail }: Writing): readonly string[] {
  const { preset, columns } = options;
  const column = columns?.get(tool.name) ?? suggestedColumn(risk, preset).column;
  if (column === 'hide') return closedEntry(text, rulesOf(tool, risk, openedAs(risk)), detail);
  return openEntry(text, rulesOf(tool, risk, column), detail);
}

/** The column of a closed entry, once somebody opens it. */
function openedAs(risk: ToolRisk): Column {
  return suggestedColumn(risk, 'suggested').column;
}

/** By a person's choice, or by `strict`; what `read-only` does not list is hidden by its default. */
function isHidden({ tool, risk }: DraftTool, { preset, columns }: DraftOptions): boolean {
  const chosen = columns?.get(tool.name);
  return chosen === undefined ? preset === 'strict' && suggestedColumn(risk, preset).column === 'hide' : chosen === 'hide';
}
