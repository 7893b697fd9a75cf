/** The rules that a preset, or a person, gives a tool of some class (setup.md §1). */
import { isObject } from '../../core/json.ts';
import type { Risk, ScannedTool, ToolActions, ToolRisk } from '../risk/risk.ts';
import type { Column, Preset } from './model.ts';
import { pathOf, quoted } from './text.ts';

/** The usual limit of each class. */
const LIMITS: Readonly<Record<Risk, string>> = {
  Read: '60/minute',
  Write: '30/hour',
  Execute: '10/hour',
  Financial: '10/hour',
  Destructive: '10/hour',
};
/** The limits of tools that do one small step of many. */
const STEPS: Readonly<Partial<Record<Risk, string>>> = { Write: '60/minute', Execute: '30/minute' };

/** Characters of a list of actions that a policy can still show. */
const MOST_ACTIONS = 4_000;

const DENIALS = {
  router: 'Tools that call other tools are blocked by policy',
  destructive: 'Destructive operation blocked by policy',
  other: 'Blocked by policy',
  action: 'Only actions that read are permitted by policy',
} as const;

/** A preset's own choice for a tool. */
export interface SuggestedColumn {
  readonly column: Column;
  /** The same in few words: `60/minute`, `only action: list, get`. */
  readonly says?: string;
}

/** The column that a draft without a choice amounts to. */
export function suggestedColumn(risk: ToolRisk, preset: Preset): SuggestedColumn {
  const column = columnOf(risk, preset);
  if (column === 'limit') return { column, says: saysLimit(risk) };
  return column === 'approve' && risk.risk === 'Financial' ? { column, says: limitOf(risk) } : { column };
}

function columnOf(risk: ToolRisk, preset: Preset): Column {
  switch (preset) {
    case 'scaffold':
      return 'allow';
    case 'suggested':
      return suggested(risk);
    case 'read-only':
      return isPlainRead(risk) ? 'limit' : 'hide';
    case 'strict':
      if (risk.takesToolName) return 'deny';
      if (risk.risk === 'Destructive') return 'hide';
      return isPlainRead(risk) ? 'limit' : 'approve';
  }
}

function suggested(risk: ToolRisk): Column {
  if (risk.takesToolName) return 'deny';
  if (returnsSecrets(risk) && (risk.risk === 'Read' || readingActions(risk))) return 'approve';
  if (readingActions(risk)) return 'limit';
  if (risk.risk === 'Destructive') return 'deny';
  return risk.risk === 'Financial' ? 'approve' : 'limit';
}

/** It is sensitive for what it returns, and not only for what it takes. */
export function returnsSecrets({ returnsSecrets: says, sensitive, secretArguments }: ToolRisk): boolean {
  return says === true || (sensitive && secretArguments.length === 0);
}

function isPlainRead(risk: ToolRisk): boolean {
  return risk.risk === 'Read' && !returnsSecrets(risk) && !risk.takesToolName;
}

/** The actions of a tool that does many things, where some of them, and not all, only read. */
function readingActions({ actions }: ToolRisk): ToolActions | undefined {
  if (!actions || actions.reading.length === 0 || actions.reading.length >= actions.all.length) return undefined;
  return actions.reading.join(', ').length > MOST_ACTIONS ? undefined : actions;
}

/** The limit that a tool gets where it is limited. */
export function limitOf(risk: ToolRisk): string {
  // What is left of a tool that may only read is a Read.
  const own = readingActions(risk) ? 'Read' : risk.risk;
  return (risk.step ? STEPS[own] : undefined) ?? LIMITS[own];
}

function saysLimit(risk: ToolRisk): string {
  const actions = readingActions(risk);
  return actions ? `only ${actions.argument.replace(/^args\./, '')}: ${actions.reading.join(', ')}` : limitOf(risk);
}

/** The lines of `rules` of a tool, without indentation: `[]` alone where nothing is checked. */
export function rulesOf(tool: ScannedTool, risk: ToolRisk, column: Column): readonly string[] {
  switch (column) {
    case 'allow':
      return [];
    case 'limit':
      return requirements(tool, risk);
    case 'approve':
      return [...beforeApproval(tool, risk), '- action: require_approval'];
    case 'deny':
    case 'hide':
      return ['- action: deny', `  on_deny: ${JSON.stringify(DENIALS[whyDenied(risk)])}`];
  }
}

function whyDenied(risk: ToolRisk): keyof typeof DENIALS {
  if (risk.takesToolName) return 'router';
  return risk.risk === 'Destructive' ? 'destructive' : 'other';
}

function requirements(tool: ScannedTool, risk: ToolRisk): readonly string[] {
  const limit = [`- rate_limit: ${limitOf(risk)}`];
  const actions = readingActions(risk);
  if (actions) return [...actionRule(actions), ...limit];
  return risk.risk === 'Execute' && isObject(tool.inputSchema) ? [...limit, '  validate: {required_args: true}'] : limit;
}

function actionRule({ argument, reading }: ToolActions): readonly string[] {
  const condition = `{path: ${quoted(pathOf(argument))}, op: in, value: [${reading.map(quoted).join(', ')}]}`;
  return [`- conditions: [${condition}]`, `  on_deny: ${JSON.stringify(DENIALS.action)}`];
}

/** The requirements that also a human must not lift: they stand above the approval. */
function beforeApproval(tool: ScannedTool, risk: ToolRisk): readonly string[] {
  const actions = readingActions(risk);
  if (actions && returnsSecrets(risk)) return actionRule(actions);
  if (risk.risk === 'Financial') return [`- rate_limit: ${LIMITS.Financial}`, ...money(risk)];
  return risk.risk === 'Execute' && isObject(tool.inputSchema) ? ['- validate: {required_args: true}'] : [];
}

/** Rules to fill in, where the schema shows an amount or a currency: what is too much nobody knows from a scan. */
function money({ money: paths }: ToolRisk): readonly string[] {
  const { amount, currency } = paths ?? {};
  const rules = [
    ...(amount === undefined ? [] : [amountRule(amount)]),
    ...(currency === undefined ? [] : [`- conditions: [{path: ${quoted(currency)}, op: in, value: [usd]}]`]),
  ];
  if (rules.length === 0) return [];
  return ['# To fill in, without the "# ":', ...rules.map((rule) => `# ${rule}`)];
}

/** Of amounts in a list none is the price: each is compared. */
function amountRule(amount: string): string {
  if (amount.includes('[*]')) return `- conditions: [{path: ${quoted(amount)}, op: lte, value: 100}]`;
  return `- spend: {per_call: 100, daily: 500, currency: usd, unit: major, from: ${quoted(amount)}}`;
}
