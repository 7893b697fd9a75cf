/** The library as it stands in files: a line for each server, and a recorded list of tools for each (setup.md §4). */
import { isArray, isObject, type Json, type JsonObject } from '../../core/json.ts';
import { fromPlain, readJson, renderJson, toPlain } from '../../mcp/json/values.ts';
import type { ScannedServer } from '../draft/draft.ts';
import type { ScannedTool, ToolRisk } from '../risk/risk.ts';
import { normaliseSchema } from './definition.ts';

/** One server of `library/servers.jsonl`. */
export interface LibraryRow {
  readonly id: string;
  readonly title: string;
  /** The registry that has the package. */
  readonly registry: 'npm' | 'pypi' | 'go';
  readonly package: string;
  readonly version: string;
  /** The command that was scanned, with values that mean nothing where the server wants a secret. */
  readonly command: readonly string[];
  /** The variables that it was started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly homepage: string;
  readonly license: string;
  readonly tags: readonly string[];
  readonly note: string;
  /** Why there is no policy for it. */
  readonly excluded?: string;
}

/** A tool without any text of its server's, and the class that it was given when the texts were there. */
export interface RecordedTool {
  readonly definition: ScannedTool;
  readonly risk: ToolRisk;
}

/** `library/tools/<id>.json`. */
export interface RecordedServer {
  readonly package: string;
  readonly version: string;
  /** The day of the scan. */
  readonly scanned: string;
  readonly resources: boolean;
  readonly prompts: boolean;
  readonly tools: readonly RecordedTool[];
}

/** Reads `library/servers.jsonl`. */
export function parseRows(text: string): readonly LibraryRow[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LibraryRow);
}

/** The hints of the protocol; a server's other annotations are texts. */
const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];

/** Records what a scan saw: everything but texts. */
export function recordServer(
  { package: name, version }: LibraryRow,
  { resources, prompts, tools }: ScannedServer,
  risks: readonly ToolRisk[],
  scanned: string,
): RecordedServer {
  const recorded = tools.flatMap((tool, index): readonly RecordedTool[] => {
    const risk = risks[index];
    return risk ? [{ definition: withoutTexts(tool), risk }] : [];
  });
  return { package: name, version, scanned, resources, prompts, tools: recorded };
}

function withoutTexts({ name, inputSchema, annotations }: ScannedTool): ScannedTool {
  const hints = HINTS.flatMap((hint) => {
    const value = isObject(annotations) ? annotations.get(hint) : undefined;
    return typeof value === 'boolean' ? [[hint, value] as const] : [];
  });
  return {
    name,
    ...(inputSchema === undefined ? {} : { inputSchema: normaliseSchema(inputSchema) }),
    ...(hints.length === 0 ? {} : { annotations: new Map(hints) }),
  };
}

/** Writes a recorded list, a line for each tool. */
export function renderRecorded({ tools, ...server }: RecordedServer): string {
  const lines = tools.map(({ definition: { name, inputSchema, annotations }, risk }) => {
    const { risk: of, evidence, ...marks } = risk;
    const told = Object.entries(marks).filter(([, value]) => value !== false && !(Array.isArray(value) && value.length === 0));
    const members: (readonly [string, Json])[] = [
      ['name', name],
      ['class', of],
      ['evidence', fromPlain(evidence)],
      ...told.map(([mark, value]) => [mark, fromPlain(value)] as const),
      ...(annotations === undefined ? [] : [['annotations', annotations] as const]),
      ...(inputSchema === undefined ? [] : [['inputSchema', inputSchema] as const]),
    ];
    return renderJson(new Map(members));
  });
  const head = JSON.stringify(server).slice(0, -1);
  return `${head},"tools":[${lines.map((line) => `\n${line}`).join(',')}\n]}\n`;
}

/** Reads a recorded list. */
export function parseRecorded(text: string): RecordedServer {
  const whole = readJson(text);
  if (!isObject(whole)) throw new TypeError('a recorded list is an object');
  const {
    package: name,
    version,
    scanned,
    resources,
    prompts,
  } = toPlain(new Map([...whole].filter(([key]) => key !== 'tools'))) as Omit<RecordedServer, 'tools'>;
  const tools = whole.get('tools') ?? null;
  return {
    package: name,
    version,
    scanned,
    resources,
    prompts,
    tools: isArray(tools) ? tools.flatMap((tool) => (isObject(tool) ? [parseTool(tool)] : [])) : [],
  };
}

/** Marks that are not written are false, or empty. */
const UNMARKED = { sensitive: false, secretArguments: [], unsure: false, step: false, takesToolName: false };

function parseTool(tool: JsonObject): RecordedTool {
  const [inputSchema, annotations] = [tool.get('inputSchema'), tool.get('annotations')];
  const {
    name,
    class: risk,
    ...marks
  } = toPlain(new Map([...tool].filter(([key]) => key !== 'inputSchema' && key !== 'annotations'))) as Pick<ScannedTool, 'name'> & {
    readonly class: ToolRisk['risk'];
  } & Omit<ToolRisk, 'risk'>;
  return {
    definition: {
      name,
      ...(inputSchema === undefined ? {} : { inputSchema }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    risk: { ...UNMARKED, ...marks, risk },
  };
}
