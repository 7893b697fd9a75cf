/** `intercept scan --json`: all that is known of a server (docs/json.md). */
import { toPlain } from '../../mcp/json/values.ts';
import type { LeftOut, ScannedServer } from '../../setup/draft/model.ts';
import { parametersOf } from '../../setup/draft/parameters.ts';
import type { PolicyUpdate } from '../../setup/draft/update.ts';
import { hashDefinition } from '../../setup/library/definition.ts';
import { RISKS, type ScannedTool, type ToolRisk } from '../../setup/risk/risk.ts';

export interface ScanResult {
  readonly server: ScannedServer;
  readonly risks: readonly ToolRisk[];
  readonly leftOut: readonly LeftOut[];
  /** The file that was written, where one was. */
  readonly written: string | undefined;
  readonly update: PolicyUpdate | undefined;
}

/** The output's object. */
export function scanJson({ server, risks, leftOut, written, update }: ScanResult): object {
  const { info, protocol, resources, prompts, tools } = server;
  return {
    server: { name: info?.name ?? null, version: info?.version ?? null, protocol: protocol ?? null, resources, prompts },
    counts: Object.fromEntries(RISKS.map((risk) => [risk.toLowerCase(), risks.filter((each) => each.risk === risk).length])),
    tools: tools.map((tool, index) => toolJson(tool, risks[index] as ToolRisk)),
    left_out: leftOut,
    written: written ?? null,
    update: update ? updateJson(update) : null,
  };
}

/** Classes are written small, as everywhere in our JSON. */
function toolJson(tool: ScannedTool, risk: ToolRisk): object {
  const { evidence, sensitive, secretArguments, unsure, step, takesToolName, actions, money } = risk;
  return {
    name: tool.name,
    description: tool.description ?? null,
    class: risk.risk.toLowerCase(),
    evidence: evidence.map(({ source, risk: of, says }) => ({ source, class: of.toLowerCase(), says })),
    sensitive,
    secret_arguments: secretArguments,
    unsure,
    step,
    takes_tool_name: takesToolName,
    actions: actions ? { argument: actions.argument, reading: actions.reading, all: actions.all } : null,
    money: money ? { amount: money.amount ?? null, currency: money.currency ?? null } : null,
    parameters: parametersOf(tool.inputSchema).map(({ name, type, required, values }) => ({
      name,
      type,
      required,
      values: values.map(toPlain),
    })),
    definition: hashDefinition(tool),
  };
}

/** The part of the output that is about an edited policy. */
function updateJson({ added, gone, changed, unknown }: PolicyUpdate): object {
  return { added, gone, changed, not_known: unknown };
}
