/**
 * The class of each tool of a server, with the evidence that put it there (setup.md §1). Pure and deterministic. Every word
 * that decides stands in `words.ts`.
 */
import { isObject, type Json } from '../../core/json.ts';
import { freeAction, moneyAmong, playsRole, readActions, riskOf, runsCode, secretsAmong, writesFiles } from './arguments.ts';
import { RISKS, type Risk, type RiskEvidence, type ScannedTool, type ToolRisk, worseOf } from './classes.ts';
import { type DescriptionReading, readDescription } from './description.ts';
import { wordsOf } from './lookup.ts';
import { type FoundVerb, readName, sharedPrefix, splitName, withoutPrefix } from './name.ts';
import { type Argument, readSchema } from './schema.ts';
import { MONEY_NOUNS, NOT_MONEY } from './words.ts';

export type { Risk, ScannedTool, ToolActions, ToolRisk } from './classes.ts';
export { RISKS };

/** Classifies the tools of one server, in their order. They are seen together: a prefix that most of them share says nothing. */
export function classifyTools(tools: readonly ScannedTool[]): readonly ToolRisk[] {
  const names = tools.map(({ name }) => splitName(name));
  const prefix = sharedPrefix(names);
  return tools.map((tool, at) => classify(tool, withoutPrefix(names[at] ?? [], prefix)));
}

interface Reading {
  readonly words: readonly string[];
  readonly verbs: readonly FoundVerb[];
  readonly description: DescriptionReading;
  readonly args: readonly Argument[];
  readonly readOnly: boolean | undefined;
  readonly destructive: boolean | undefined;
  readonly complete: boolean;
}

function classify(tool: ScannedTool, words: readonly string[]): ToolRisk {
  const schema = readSchema(tool.inputSchema);
  const description = readDescription(tool.description);
  const reading: Reading = {
    words,
    verbs: readName(words).verbs,
    description,
    args: schema.arguments,
    readOnly: hintOf(tool.annotations, 'readOnlyHint'),
    destructive: hintOf(tool.annotations, 'destructiveHint'),
    complete: schema.complete && description.complete,
  };
  return conclude(reading);
}

function hintOf(annotations: Json | undefined, hint: string): boolean | undefined {
  const value = isObject(annotations) ? annotations.get(hint) : undefined;
  return typeof value === 'boolean' ? value : undefined;
}

function conclude(reading: Reading): ToolRisk {
  const { args } = reading;
  const chosen = readActions(args);
  const found = [...ofName(reading), ...(chosen?.evidence ?? []), ...ofArguments(reading)];
  const described = [...found, ...ofDescription(reading, found, chosen !== undefined)];
  const all = [...described, ...ofAnnotations(reading, described)];
  const isUnsure = all.length === 0 || !reading.complete;
  const risk = all.map((one) => one.risk).reduce<Risk>(worseOf, isUnsure ? 'Write' : 'Read');
  const secretArguments = secretsAmong(args);
  const money = risk === 'Financial' ? moneyAmong(args) : undefined;
  return {
    risk,
    evidence: all.toSorted((a, b) => RISKS.indexOf(b.risk) - RISKS.indexOf(a.risk)),
    sensitive: secretArguments.length > 0,
    secretArguments,
    unsure: isUnsure,
    step: false,
    takesToolName: args.some((argument) => argument.depth === 1 && playsRole(argument, 'tool')),
    ...(chosen && { actions: chosen.actions }),
    ...(money && { money }),
  };
}

const MONEY = wordsOf(MONEY_NOUNS);
const UNPAID = wordsOf(NOT_MONEY);

/** The verbs of the name; and money, where one of them acts on a noun of money. */
function ofName({ verbs, words }: Reading): readonly RiskEvidence[] {
  const evidence = verbs
    .filter(({ kind }) => kind !== 'Doubt')
    .map(({ verb, kind }): RiskEvidence => ({ source: 'name', risk: riskOf(kind), says: `"${verb}"` }));
  const acts = verbs.some(({ kind }) => kind === 'Write' || kind === 'Execute' || kind === 'Doubt');
  const noun = acts && !words.some((word) => UNPAID.has(word)) ? words.find((word) => MONEY.has(word)) : undefined;
  return noun === undefined ? evidence : [...evidence, { source: 'name', risk: 'Financial', says: `"${noun}"` }];
}

function ofArguments(reading: Reading): readonly RiskEvidence[] {
  const { args, verbs, description } = reading;
  const evidence = [
    ...runsCode(
      args,
      verbs,
      description.signs.some(({ sign }) => sign.kind === 'language'),
    ),
    ...writesFiles(args),
  ];
  const free = readActions(args) ? undefined : freeAction(args);
  if (!free || verbs.some(({ kind }) => kind === 'Read' || kind === 'Execute')) return evidence;
  const told = [...readDescription(free.description).verbs, ...description.verbs].filter(({ kind }) => kind !== 'Doubt' && kind !== 'Read');
  return [
    ...evidence,
    ...told.map(({ verb, kind }): RiskEvidence => ({ source: 'argument', risk: riskOf(kind), says: `${free.name} "${verb}"` })),
  ];
}

/** Weak in prose: a reading tool may well "run" or "call" what it reads with. */
const WEAK: ReadonlySet<string> = new Set(['run', 'execute', 'perform', 'call', 'start', 'use', 'remove', 'invoke', 'test']);

function ofDescription({ verbs, description }: Reading, found: readonly RiskEvidence[], hasActions: boolean): readonly RiskEvidence[] {
  const known = found.map(({ risk }) => risk).reduce<Risk>(worseOf, 'Read');
  const isSilent = verbs.every(({ kind }) => kind === 'Doubt');
  const heads = description.heads.filter(({ kind, verb }) => kind !== 'Doubt' && (isSilent || !WEAK.has(verb)));
  const acting = isSilent || known === 'Read' ? heads : heads.filter(({ kind }) => kind === 'Destructive');
  const evidence = (hasActions ? [] : acting).map(
    ({ verb, kind }): RiskEvidence => ({ source: 'description', risk: riskOf(kind), says: `"${verb}"` }),
  );
  const isActing = [...found, ...evidence].some(({ risk }) => risk !== 'Read');
  const signs = description.signs.filter(({ sign }) => sign.reads || isActing);
  return [
    ...evidence,
    ...signs.flatMap(({ sign, phrase }): readonly RiskEvidence[] => {
      if (sign.kind === 'reading' || sign.kind === 'language' || sign.kind === 'router' || sign.kind === 'secret') return [];
      return [{ source: 'description', risk: sign.kind, says: `"${phrase}"` }];
    }),
  ];
}

/** Hints raise a class; that a tool reads only is believed where nothing else is known. */
function ofAnnotations({ readOnly, destructive }: Reading, found: readonly RiskEvidence[]): readonly RiskEvidence[] {
  const evidence: RiskEvidence[] = [];
  if (readOnly === true && found.length === 0) evidence.push({ source: 'annotation', risk: 'Read', says: 'readOnlyHint' });
  if (readOnly === false) evidence.push({ source: 'annotation', risk: 'Write', says: 'readOnlyHint: false' });
  if (destructive === true)
    evidence.push({ source: 'annotation', risk: found.length === 0 ? 'Destructive' : 'Write', says: 'destructiveHint' });
  return evidence;
}
