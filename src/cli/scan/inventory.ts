/** The inventory of a scanned server on a terminal: a line for each tool, the worst first, with what its class is read from. */

import { sumRisks } from '../../setup/draft/header.ts';
import type { ScannedServer } from '../../setup/draft/model.ts';
import { returnsSecrets } from '../../setup/draft/rules.ts';
import { firstSentence } from '../../setup/draft/text.ts';
import { RISKS, type Risk, type ScannedTool, type ToolRisk } from '../../setup/risk/risk.ts';
import { type Colour, type Paint, shown } from '../paint.ts';

const COLOURS: Readonly<Record<Risk, Colour>> = {
  Destructive: 'red',
  Financial: 'yellow',
  Execute: 'yellow',
  Write: 'cyan',
  Read: 'green',
};
const WIDEST_RISK = 'Destructive'.length;
/** Longer names take a line of their own. */
const MOST_NAME = 44;
/** A name that no key can mean is shown so far. */
const LONGEST_NAME = 1_024;
const MOST_EVIDENCE = 60;
/** From here on there is room for descriptions. */
const WIDE = 130;
const GAP = '  ';

/** The lines of an inventory that is so many columns wide. */
export function renderInventory(server: ScannedServer, risks: readonly ToolRisk[], columns: number, paint: Paint): readonly string[] {
  const rows = server.tools.map((tool, index) => ({ tool, risk: risks[index] as ToolRisk }));
  const fitting = rows.map(({ tool }) => shown(tool.name, LONGEST_NAME).length).filter((length) => length <= MOST_NAME);
  const width = Math.max(0, ...fitting);
  const groups = RISKS.toReversed().map((risk) => rows.filter((row) => row.risk.risk === risk));
  return [
    titleOf(server, paint),
    paintSum(sumRisks(risks), paint),
    ...groups.flatMap((group) => (group.length === 0 ? [] : ['', ...group.flatMap((row) => renderRow(row, width, columns, paint))])),
  ];
}

/** `stripe 0.2.5 · MCP 2025-06-18 · resources, prompts`. */
function titleOf({ info, protocol, resources, prompts }: ScannedServer, paint: Paint): string {
  const name = info?.name ? shown(info.name, 80) : 'a server without a name';
  const also = [resources && 'resources', prompts && 'prompts'].filter((each) => each !== false);
  const parts = [protocol && `MCP ${shown(protocol, 20)}`, also.length > 0 && `also ${also.join(' and ')}`].filter(
    (each) => typeof each === 'string',
  );
  const version = info?.version ? ` ${shown(info.version, 40)}` : '';
  return `${paint('bold', name)}${version}${paint('dim', parts.map((part) => ` · ${part}`).join(''))}`;
}

/** Each count in the colour of its class. */
function paintSum(sum: string, paint: Paint): string {
  return RISKS.reduce((text, risk) => text.replace(new RegExp(`\\d+ ${risk}`), (part) => paint(COLOURS[risk], part)), sum);
}

interface InventoryRow {
  readonly tool: ScannedTool;
  readonly risk: ToolRisk;
}

function renderRow({ tool, risk }: InventoryRow, width: number, columns: number, paint: Paint): readonly string[] {
  const name = shown(tool.name, LONGEST_NAME);
  const begin = `${paint(COLOURS[risk.risk], risk.risk.padEnd(WIDEST_RISK))}${GAP}`;
  const indent = WIDEST_RISK + 2 * GAP.length + width;
  const rest = remarks(tool, risk, columns - indent, paint);
  if (name.length <= width) return [`${begin}${paint('bold', name.padEnd(width))}${GAP}${rest}`.trimEnd()];
  return [`${begin}${paint('bold', name)}`, ...(rest === '' ? [] : [`${' '.repeat(indent)}${rest}`])];
}

/** Marks first, then evidence, as much as fits; where there is room, the description. */
function remarks(tool: ScannedTool, risk: ToolRisk, room: number, paint: Paint): string {
  const wide = room >= WIDE - MOST_NAME;
  const most = wide ? Math.min(MOST_EVIDENCE, Math.floor(room / 2)) : room;
  const said = fit([...marksOf(risk), ...evidenceOf(risk)], most);
  const sentence = wide ? firstSentence(tool.description ?? '') : '';
  const gap = ' '.repeat(Math.max(0, most - said.length)) + GAP;
  return `${said}${sentence === '' ? '' : paint('dim', `${gap}${shown(sentence, room - most - GAP.length)}`)}`;
}

function marksOf(risk: ToolRisk): readonly string[] {
  const { unsure, secretArguments, takesToolName } = risk;
  return [
    ...(unsure ? ['unsure'] : []),
    ...(returnsSecrets(risk) ? ['returns secrets'] : []),
    ...(secretArguments.length > 0 ? [`takes secrets: ${secretArguments.join(', ')}`] : []),
    ...(takesToolName ? ['calls other tools'] : []),
  ];
}

/** The evidence that decided, else all of it; the same is said once. */
function evidenceOf({ risk, evidence }: ToolRisk): readonly string[] {
  const deciding = evidence.filter((each) => each.risk === risk);
  return [...new Set((deciding.length > 0 ? deciding : evidence).map(({ source, says }) => `${source}: ${says}`))];
}

/** As many parts as fit, the first one cut where it does not. */
function fit(parts: readonly string[], room: number): string {
  let text = '';
  for (const part of parts) {
    const safe = shown(part, Math.max(1, room));
    const longer = text === '' ? safe : `${text}, ${safe}`;
    if (longer.length > room) break;
    text = longer;
  }
  return text;
}
