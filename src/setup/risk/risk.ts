/**
 * The class of each tool of a server, with the evidence that put it there (setup.md §1). Pure and deterministic. Every word
 * that decides stands in `words.ts`.
 */
import { isObject, type Json } from '../../core/json.ts';
import { freeAction, isText, ofRoles, playsRole, readActions, riskOf, runsCode, secretsAmong } from './arguments.ts';
import { RISKS, type Risk, type RiskEvidence, type ScannedTool, type ToolRisk, worseOf } from './classes.ts';
import { type DescriptionReading, type FoundSign, readDescription, verbsIn } from './description.ts';
import { isNounToo, wordsOf } from './lookup.ts';
import { callsOthers, handsOutSecrets, isStep } from './marks.ts';
import { moneyAmong } from './money.ts';
import { type FoundVerb, MAX_NAME, readName, sharedPrefix, splitName, withoutPrefix } from './name.ts';
import { type Argument, readSchema } from './schema.ts';
import { BOUGHT, BROWSER_STEPS, EFFECTS, MONEY_NOUNS, NOT_MONEY } from './words.ts';

export type { Risk, ScannedTool, ToolActions, ToolRisk } from './classes.ts';
export { RISKS };

/** Classifies the tools of one server, in their order. They are seen together: a prefix that most of them share says nothing. */
export function classifyTools(tools: readonly ScannedTool[]): readonly ToolRisk[] {
  const names = tools.map(({ name }) => splitName(name));
  const server = { prefix: sharedPrefix(names), isBrowser: drivesBrowser(names) };
  return tools.map((tool, at) => classify(tool, names[at] ?? [], server));
}

const STEPS = wordsOf(BROWSER_STEPS);
const MIN_STEPS = 3;

/** True where several kinds of steps are there, and many tools are one. */
function drivesBrowser(names: readonly (readonly string[])[]): boolean {
  const steps = names.flatMap((words) => words.find((word) => STEPS.has(word)) ?? []);
  return new Set(steps).size >= MIN_STEPS && steps.length * 6 >= names.length;
}

interface Reading {
  readonly name: string;
  readonly words: readonly string[];
  readonly verbs: readonly FoundVerb[];
  readonly text: string;
  readonly description: DescriptionReading;
  readonly args: readonly Argument[];
  readonly readOnly: boolean | undefined;
  readonly destructive: boolean | undefined;
  readonly complete: boolean;
  /** The server drives a browser, or the name says that this tool does. */
  readonly isBrowser: boolean;
}

interface Server {
  readonly prefix: readonly string[];
  readonly isBrowser: boolean;
}

function classify(tool: ScannedTool, all: readonly string[], { prefix, isBrowser }: Server): ToolRisk {
  const words = withoutPrefix(all, prefix);
  const schema = readSchema(tool.inputSchema);
  const description = readDescription(tool.description, words);
  return conclude({
    name: tool.name,
    words,
    verbs: verbsThatCount(words, description),
    text: tool.description ?? '',
    description,
    args: schema.arguments,
    readOnly: hintOf(tool.annotations, 'readOnlyHint'),
    destructive: hintOf(tool.annotations, 'destructiveHint'),
    complete: schema.complete && description.complete && tool.name.length <= MAX_NAME,
    isBrowser: isBrowser || all.includes('browser'),
  });
}

function hintOf(annotations: Json | undefined, hint: string): boolean | undefined {
  const value = isObject(annotations) ? annotations.get(hint) : undefined;
  return typeof value === 'boolean' ? value : undefined;
}

function conclude(reading: Reading): ToolRisk {
  const { args, words } = reading;
  const chosen = isReading(reading) ? readActions(args.filter(isMethod), words) : readActions(args, words);
  const actions = chosen && (doesMore(reading, chosen.actions.argument) ? { ...chosen.actions, reading: [] } : chosen.actions);
  const first = [...ofName(reading), ...(chosen?.evidence ?? []), ...ofArguments(reading, chosen !== undefined)];
  const described = [...first, ...ofDescription(reading, first, chosen !== undefined)];
  const stepped = [...described, ...ofBrowser(reading, described)];
  const all = [...stepped, ...ofAnnotations(reading, stepped)];
  // A name that acts says more than what was not read.
  const isUnsure = all.every((one) => one.risk === 'Read') && (all.length === 0 || !reading.complete);
  const risk = all.map((one) => one.risk).reduce<Risk>(worseOf, isUnsure ? 'Write' : 'Read');
  const secretArguments = secretsAmong(args);
  const returnsSecrets = handsOutSecrets(words, reading.verbs, reading.description);
  const money = risk === 'Financial' ? moneyAmong(args) : undefined;
  return {
    risk,
    evidence: all.toSorted((a, b) => RISKS.indexOf(b.risk) - RISKS.indexOf(a.risk)),
    sensitive: returnsSecrets || secretArguments.length > 0,
    secretArguments,
    unsure: isUnsure,
    step: isStep(risk, words, args, reading.isBrowser),
    takesToolName: callsOthers(reading.name, risk, args),
    ...(returnsSecrets && { returnsSecrets }),
    ...(actions && { actions }),
    ...(money && { money }),
  };
}

/** A reading tool filters by an action; one that takes an HTTP method does what it says. */
function isReading({ verbs, description }: Reading): boolean {
  return verbs[0]?.kind === 'Read' && description.heads[0]?.kind === 'Read';
}

/**
 * True where the action alone does not say what is done: the name itself destroys or pays, or another argument chooses, too.
 * SECURITY: else a tool that is to be denied would be drafted as one that reads.
 */
function doesMore({ verbs, args, words }: Reading, action: string): boolean {
  if (verbs.some(({ kind }) => kind === 'Destructive' || kind === 'Financial')) return true;
  return args.some((other) => other.path !== action && readActions([other], words)?.evidence.some(({ risk }) => risk !== 'Read'));
}

function isMethod({ name }: Argument): boolean {
  return /method$/i.test(name);
}

const MONEY = wordsOf(MONEY_NOUNS);
const GOODS = wordsOf(BOUGHT);
const UNPAID = wordsOf(NOT_MONEY);
const EFFECT = wordsOf(EFFECTS);

/** Verbs that stay verbs wherever they stand. */
const FIRM = wordsOf(
  'call copy deploy execute import invoke mark merge move patch place post push put release reply reset restore run send set share start stop submit test transfer update upload',
);

/** At the end of a name they say what is done with the nouns before them. */
const LAST: ReadonlySet<string> = new Set(['get', 'list', 'show', 'view', 'search', 'reader']);

/** The verbs of the name; and money, where one of them acts on a noun of money. */
function ofName(reading: Reading): readonly RiskEvidence[] {
  const { verbs } = reading;
  const evidence = verbs
    .filter(({ kind }) => kind !== 'Doubt')
    .map(({ verb, kind }): RiskEvidence => ({ source: 'name', risk: riskOf(kind), says: `"${verb}"` }));
  const noun = moneyNoun(reading);
  return noun === undefined ? evidence : [...evidence, { source: 'name', risk: 'Financial', says: `"${noun}"` }];
}

/** A word that may be a noun is one where the description begins with a verb that reads. */
function verbsThatCount(words: readonly string[], description: DescriptionReading): readonly FoundVerb[] {
  const { verbs } = readName(words);
  const [head] = description.heads;
  const isReading = head?.kind === 'Read' && !description.heads.some(({ verb }) => EFFECT.has(verb));
  return verbs.filter(({ verb, kind }) => {
    const isBefore = LAST.has(words.at(-1) ?? '');
    const mayBeNoun =
      isNounToo(verb) && (kind === 'Write' || kind === 'Execute' ? !FIRM.has(verb) || isBefore : kind === 'Financial' && isBefore);
    return !(isReading && mayBeNoun);
  });
}

function moneyNoun({ verbs, words, args }: Reading): string | undefined {
  if (words.some((word) => UNPAID.has(word))) return undefined;
  const acts = verbs.some(({ verb, kind }) => kind === 'Write' || kind === 'Execute' || (kind === 'Doubt' && !TAKING.has(verb)));
  const creates = verbs.some(({ verb }) => CREATING.has(verb));
  const nouns = words.filter((word) => !verbs.some(({ verb }) => verb === word));
  const noun = nouns.find((word) => (acts && MONEY.has(word)) || (creates && GOODS.has(word)));
  return noun?.startsWith('subscription') && args.some((argument) => playsRole(argument, 'listener')) ? undefined : noun;
}

/** They take something out, and leave what is there. */
const TAKING: ReadonlySet<string> = new Set(['load', 'export', 'download', 'open', 'format', 'use']);

const CREATING: ReadonlySet<string> = new Set(['create', 'add', 'provision', 'register', 'claim', 'acquire', 'reserve']);

/** In prose they are nouns more often than not. */
const NOUNS: ReadonlySet<string> = new Set(['drop', 'store', 'start', 'lease', 'install', 'save']);

function ofArguments(reading: Reading, hasActions: boolean): readonly RiskEvidence[] {
  const { args, verbs, words, description } = reading;
  const speaksLanguage = description.signs.some(({ sign }) => sign.kind === 'language');
  const runs = description.heads[0]?.kind === 'Execute';
  const evidence = [...runsCode(args, verbs, { speaksLanguage, runs }), ...ofRoles(args, verbs), ...ofMethod(args)];
  const free = hasActions ? undefined : freeAction(args);
  if (!free || verbs.some(({ kind }) => kind === 'Read' || kind === 'Execute')) return evidence;
  const saysRead = description.signs.some(({ sign }) => sign.kind === 'reading');
  const told = verbsIn(saysRead ? free.description : `${free.description} . ${reading.text}`, words).filter(
    ({ verb, kind }) => EFFECT.has(verb) && kind !== 'Financial' && !NOUNS.has(verb),
  );
  const isGeneric = words.some((word) => word === 'request' || word === 'api');
  return [
    ...evidence,
    ...(isGeneric ? [{ source: 'argument', risk: 'Execute', says: free.name } as const] : []),
    ...told.map(({ verb, kind }): RiskEvidence => ({ source: 'argument', risk: riskOf(kind), says: `${free.name} "${verb}"` })),
  ];
}

/** Any method of HTTP, to any address: it does whatever the other side does, `DELETE` included. */
function ofMethod(args: readonly Argument[]): readonly RiskEvidence[] {
  const method = args.find((argument) => argument.depth === 1 && isMethod(argument) && argument.values.length === 0 && isText(argument));
  const isFree = args.some(({ name, depth }) => depth === 1 && /^(?:url|uri|path|endpoint|body)$/i.test(name));
  return method && isFree ? [{ source: 'argument', risk: 'Execute', says: method.name }] : [];
}

/** Weak in prose: a reading tool may well "run" or "call" what it reads with. */
const WEAK: ReadonlySet<string> = new Set([
  'run',
  'execute',
  'perform',
  'call',
  'start',
  'use',
  'remove',
  'invoke',
  'test',
  'compose',
  'evaluate',
]);

function ofDescription(reading: Reading, found: readonly RiskEvidence[], hasActions: boolean): readonly RiskEvidence[] {
  const known = found.map(({ risk }) => risk).reduce<Risk>(worseOf, 'Read');
  const evidence = hasActions
    ? []
    : headsThatCount(reading, known).map(
        ({ verb, kind }): RiskEvidence => ({ source: 'description', risk: riskOf(kind), says: `"${verb}"` }),
      );
  const isActing = [...found, ...evidence].some(({ risk }) => risk !== 'Read');
  const applies = ({ sign, at }: FoundSign) =>
    sign.when === 'always' || (sign.when === 'reading' ? known === 'Read' : isActing && at < EARLY);
  const signs = reading.description.signs.filter(applies);
  return [
    ...evidence,
    ...signs.flatMap(({ sign, phrase }): readonly RiskEvidence[] => {
      if (sign.kind === 'reading' || sign.kind === 'language' || sign.kind === 'secret') return [];
      return [{ source: 'description', risk: sign.kind, says: `"${phrase}"` }];
    }),
  ];
}

/** A description begins with the tool; later words speak of its surroundings. */
const EARLY = 60;

function headsThatCount({ verbs, description, readOnly }: Reading, known: Risk): readonly FoundVerb[] {
  const { heads } = description;
  if (verbs.every(({ kind }) => kind === 'Doubt')) return ofSilent(description, readOnly);
  if (known === 'Execute' && WEAK.has(heads[0]?.verb ?? '')) return [];
  if (known !== 'Read')
    return heads.filter(({ verb, kind }, at) => kind === 'Destructive' && (at === 0 ? verb !== 'remove' : FINAL.has(verb)));
  return heads.filter(({ verb, kind }, at) => kind !== 'Read' && kind !== 'Doubt' && !WEAK.has(verb) && (at === 0 || EFFECT.has(verb)));
}

/** The name says nothing: the description does. It reads only where it begins with a verb that reads. */
function ofSilent({ heads, checks }: DescriptionReading, readOnly: boolean | undefined): readonly FoundVerb[] {
  const isReading = heads[0]?.kind === 'Read';
  const isCheck = readOnly === true && checks;
  return heads.filter(({ verb, kind }) => kind !== 'Doubt' && (kind !== 'Read' || isReading) && !(isCheck && WEAK.has(verb)));
}

const FINAL: ReadonlySet<string> = new Set(['delete', 'destroy', 'drop', 'erase', 'purge', 'terminate', 'truncate', 'wipe']);

/** Hints raise a class; that a tool reads only is believed where nothing else is known. */
function ofAnnotations({ readOnly, destructive }: Reading, found: readonly RiskEvidence[]): readonly RiskEvidence[] {
  if (readOnly === true) return found.length === 0 ? [{ source: 'annotation', risk: 'Read', says: 'readOnlyHint' }] : [];
  const evidence: RiskEvidence[] = readOnly === false ? [{ source: 'annotation', risk: 'Write', says: 'readOnlyHint: false' }] : [];
  if (destructive === true)
    evidence.push({ source: 'annotation', risk: found.length === 0 ? 'Destructive' : 'Write', says: 'destructiveHint' });
  return evidence;
}

/** In a browser every step that does something runs what the page has behind it. */
function ofBrowser({ isBrowser, words, verbs, description, readOnly }: Reading, found: readonly RiskEvidence[]): readonly RiskEvidence[] {
  const isSilent = !verbs.some(({ kind }) => kind === 'Read') && description.heads[0]?.kind !== 'Read' && readOnly !== true;
  const acts = isSilent || found.some(({ risk }) => risk === 'Write');
  return isBrowser && acts ? [{ source: 'name', risk: 'Execute', says: `"${words.at(-1) ?? ''}" in a browser` }] : [];
}
